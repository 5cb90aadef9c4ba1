/** Copies without some parts, by src/stix/redact.ts and by the plain lists of paths: the same on random objects (policy.md §5). */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { test } from 'tap'
import { checkObject, contributingProperties, redact } from '../../src/stix/index.ts'
import type { StixObject } from '../support/client.ts'
import { takeOut } from '../support/plain-copy.ts'
import { indicator, indicator20, ipv4, malware, relationship, report, TLP } from '../support/stix.ts'

const targets = [malware().id, malware().id, malware().id]
const kinds: (() => StixObject)[] = [
  () =>
    malware({
      description: 'd',
      aliases: ['a', 'b'],
      kill_chain_phases: [{ kill_chain_name: 'k', phase_name: 'p' }],
    }),
  () =>
    indicator({
      description: 'd',
      external_references: [
        { source_name: 's', description: 'x' },
        { source_name: 't', url: 'https://example.org/' },
      ],
    }),
  () => indicator20({ description: 'd', x_more: { one: { two: [1, 2] }, three: 'y' } }),
  () => report(targets, { report_types: ['a'], x_more: { one: { two: [1, [2]] } } }),
  () => relationship(targets[0] as string, targets[1] as string, { description: 'd' }),
  () => ipv4('192.0.2.9', { x_note: 'n', x_list: ['p', { q: 'r' }] }),
]
const object = fc
  .record({ kind: fc.nat({ max: kinds.length - 1 }), labels: fc.integer({ min: 0, max: 12 }) })
  .map(({ kind, labels }) => {
    const made = (kinds[kind] as () => StixObject)()
    const tags = Array.from({ length: labels }, (_, i) => `label ${i}`)
    return made.value || labels === 0
      ? made
      : { ...made, labels: made.spec_version ? tags : ['benign', ...tags] }
  })

function pathsOf(part: unknown, path = ''): string[] {
  if (typeof part !== 'object' || part === null) return [path]
  const children = Array.isArray(part)
    ? part.map((child, i): [string, unknown] => [`[${i}]`, child])
    : Object.entries(part)
  return [
    ...(path ? [path] : []),
    ...children.flatMap(([name, child]) => pathsOf(child, path ? `${path}.${name}` : name)),
  ]
}

test('the two make the same copies, or none', async (t) => {
  const seen = { copies: 0, withheld: 0, renumbered: 0, markings: 0 }
  fc.assert(
    fc.property(
      object,
      fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 4 }),
      fc.subarray(targets),
      (bare, hide, mark, refs) => {
        const paths = pathsOf(bare)
        const pick = (n: number) => paths[n % paths.length] as string
        const hidden = hide.map(pick)
        const granular = [...hidden, ...mark.map(pick)].map((selector) => ({
          marking_ref: TLP.red,
          selectors: [selector, pick(selector.length)],
        }))
        const value = { ...bare, granular_markings: granular }
        const spec = bare.spec_version || !bare.created ? 21 : 20
        const copy = redact(value, hidden, new Set(refs), contributingProperties(bare.type) ?? [])
        const text = JSON.stringify(copy)
        const limits = { depth: 100, objectBytes: 1_000_000, idLength: 400 }
        const member = { index: 0, text, value: copy ?? {}, problems: [] }
        const valid = copy !== null && checkObject(member, { specs: [spec], limits }).object !== null
        const want = takeOut(JSON.stringify(value), spec, hidden, new Set(refs))
        if (valid !== (want !== null)) throw new Error(`${text} is ${valid}, not ${want}`)
        if (want === null) seen.withheld++
        else {
          const plain = JSON.parse(want)
          if (!isDeepStrictEqual(JSON.parse(text), plain)) throw new Error(`${text} is not ${want}`)
          seen.copies++
          if (plain.granular_markings) seen.markings++
          if (hidden.some((h) => h.startsWith('labels.[')) && plain.labels) seen.renumbered++
        }
      },
    ),
    { numRuns: 1500 },
  )
  for (const [what, n] of Object.entries(seen)) t.ok(n > 20, `${n} ${what}`)
})

test('what an id is made of stays, or there is no copy', async (t) => {
  const file = {
    type: 'file',
    spec_version: '2.1',
    id: 'file--9a1f834d-2506-5367-baec-7aa63996ac43',
    name: 'report.exe',
    hashes: { MD5: 'd41d8cd98f00b204e9800998ecf8427e' },
    size: 4,
  }
  const without = (name: string) => redact(file, [name], new Set(), contributingProperties('file') ?? [])
  // Without its name it would be valid, and another file under the same id.
  t.equal(without('name'), null)
  t.equal(without('hashes'), null)
  t.same(without('size')?.name, file.name)
})
