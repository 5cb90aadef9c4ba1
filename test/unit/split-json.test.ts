/** Cutting a stream of JSON into objects: every form of file, any chunks, and what is wrong in it. */
import { test } from 'tap'
import { type Piece, Splitter } from '../../src/cli/split-json.ts'

function split(text: string | Buffer, { chunk = 1_000_000, most = 1000, lines = false } = {}): string[] {
  const splitter = new Splitter(most, lines)
  const bytes = Buffer.from(text)
  const pieces: Piece[] = []
  for (let i = 0; i < bytes.length; i += chunk) pieces.push(...splitter.push(bytes.subarray(i, i + chunk)))
  pieces.push(...splitter.end())
  return pieces.map(({ where, bytes, problem }) => `${where}: ${problem ?? bytes?.toString().trim()}`)
}

const A = '{"id":"a, ]}\\"{[","list":[1,[2],{"x":"\\\\"}]}'
const B = '{"objects":{"0":{"type":"file"}},"id":"b"}'

test('every form gives the same objects, whatever the chunks', (t) => {
  const forms: [what: string, text: string, where: string[]][] = [
    ['a bundle', `{"type":"bundle","objects":[${A},${B}],"x":[1]}`, ['objects[0]', 'objects[1]']],
    [
      'an indented envelope',
      `{\n  "more": true,\n  "objects": [\n ${A} ,\n${B}\n ] \n}\n`,
      ['objects[0]', 'objects[1]'],
    ],
    ['a list', `[${A},\n${B}]`, ['[0]', '[1]']],
    ['lines', `${A}\n${B}\n`, ['line 1', 'line 2']],
    ['lines, CRLF, a gap and no last end', `\r\n${A}\r\n\r\n${B}`, ['line 2', 'line 4']],
    ['indented, one after the other', `{\n"id":"a"}\n{\n"id":"b"\n}`, ['line 1', 'line 3']],
    ['two envelopes', `{"objects":[${A}]}\n{"objects":[${B}]}`, ['objects[0]', 'line 2, objects[0]']],
    ['a byte order mark', `\uFEFF${A}\n${B}`, ['line 1', 'line 2']],
  ]
  for (const [what, text, where] of forms) {
    const whole = split(text)
    t.strictSame(
      whole.map((line) => line.slice(0, line.indexOf(': '))),
      where,
      what,
    )
    if (!what.startsWith('indented, one'))
      t.strictSame(
        whole.map((l) => l.slice(l.indexOf(': ') + 2)),
        [A, B],
        what,
      )
    for (const chunk of [1, 2, 3, 7, 64])
      t.strictSame(split(text, { chunk }), whole, `${what}, chunks of ${chunk}`)
  }
  t.end()
})

test('nothing in it', (t) => {
  for (const text of ['', '  \n', '[]', '{"objects":[]}', '{"objects": [ \n ]}'])
    t.strictSame(split(text), [], text)
  t.strictSame(split('{}'), ['line 1: {}'])
  t.end()
})

test('what is wrong is told with its place, and what is whole still comes', (t) => {
  const cases: [text: string, found: RegExp[]][] = [
    [
      '{"id":"a"}\n{"id":\n{"id":"b"}\n',
      [/^line 1: {"id/, /^line 2: the line is not a whole/, /^line 3: {"id":"b"}/],
    ],
    ['{"id":"a"}\n{"id":"x\n{"id":"b"}\n', [/^line 1: {/, /^line 2: the line/, /^line 3: {"id":"b"}/]],
    ['hello\n{"id":"b"}', [/^line 1: not a JSON object/, /^line 2: {/]],
    ['{"objects":[{"id":"a"},{"id"', [/^objects\[0\]: {/, /^objects\[1\]: the file ends too early/]],
    ['{"objects":[{"id":"a"}]', [/^objects\[0\]: {/, /^line 1: the file ends too early/]],
    ['{"id":"a"', [/^line 1: the file ends in the middle/]],
    [
      '{"objects":[{"id":"a"},,{"id":"b"},]}',
      [/\[0\]: {/, /\[1\]: a value is missing/, /\[2\]: {/, /\[3\]: a value/],
    ],
    ['{"objects":[{"id":"a"}}, {"id":"b"}]}', [/objects\[0\]: not valid JSON from here on/]],
    ['{"objects":[{"id":"a"}], nonsense}', [/^objects\[0\]: {/, /what surrounds/]],
    ['{"objects":[{"id":"a"}],"objects":[{"id":"b"}]}', [/\[0\]: {/, /\[0\]: {/, /there twice/]],
    ['[1,"two",[3]]', [/^\[0\]: 1$/, /^\[1\]: "two"/, /^\[2\]: \[3\]/]],
  ]
  for (const [text, found] of cases) {
    for (const chunk of [1, 5, 1000]) {
      const got = split(text, { chunk })
      t.equal(got.length, found.length, `${text}: ${got.join(' | ')}`)
      for (const [i, pattern] of found.entries()) t.match(got[i], pattern, text)
    }
  }
  t.match(split('{"id":"a\n{"id":"b"}', { lines: true }), [/^line 1: the line/, /^line 2: {/])
  t.end()
})

test('an object that is too large is left out, its neighbours are not', (t) => {
  const large = `{"id":"${'x'.repeat(2000)}"}`
  for (const chunk of [1, 100, 10_000]) {
    t.match(split(`{"objects":[${A},${large},${B}]}`, { chunk }), [/\[0\]: {/, /\[1\]: larger/, /\[2\]: {/])
    t.match(split(`${A}\n${large}\n${B}\n`, { chunk }), [/^line 1: {/, /^line 2: larger/, /^line 3: {/])
  }
  t.end()
})
