/** gzip members and Brotli streams put together from parts: check sums, sizes, and that every reader of them gets the same bytes. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Transform } from 'node:stream'
import {
  brotliDecompressSync,
  constants,
  crc32,
  createBrotliDecompress,
  createGunzip,
  gunzipSync,
  inflateRawSync,
  unzipSync,
} from 'node:zlib'
import { test } from 'tap'
import { brotlied } from '../../src/http/brotli.ts'
import { combine, gzipped } from '../../src/http/gzip.ts'
import { codingFor } from '../../src/http/negotiate.ts'
import { PageText } from '../../src/taxii/page-text.ts'
import { SealedPages } from '../../src/taxii/sealed-pages.ts'

test('check sums combine', (t) => {
  for (const [a, b] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [5, 7],
    [300, 65_537],
    [17, 1_000_003],
  ] as const) {
    const [one, two] = [randomBytes(a), randomBytes(b)]
    t.equal(combine(crc32(one), crc32(two), b), crc32(Buffer.concat([one, two])), `${a} and ${b} bytes`)
  }
  // x^(8 n) for a length that no buffer has: in two steps it is the same.
  const far = combine(combine(0x12345678, 0, 2 ** 31), 0, 2 ** 31 + 3)
  t.equal(combine(0x12345678, 0, 2 ** 32 + 3), far)
  t.end()
})

/** What a decompressing stream makes of bytes that come in pieces. */
async function streamed(stream: Transform, packed: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const end = new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject))
  for (let at = 0; at < packed.length; at += 1009) stream.write(packed.subarray(at, at + 1009))
  stream.end()
  await end
  return Buffer.concat(chunks)
}

test('one member, whatever the parts', async (t) => {
  const texts = [
    '',
    'x',
    '{"type":"indicator"}'.repeat(20_000),
    randomBytes(200_000).toString('base64'),
    'ü€😀'.repeat(999),
  ]
  for (const text of texts) {
    for (const before of ['{"objects":[', '', 'y'.repeat(70_000)]) {
      const page = { before: Buffer.from(before), text: new PageText(text), after: Buffer.from(']}') }
      const packed = await gzipped(page)
      const plain = Buffer.from(`${before}${text}]}`)
      t.ok(gunzipSync(packed).equals(plain), `${before.length} + ${text.length}`)
      t.ok(unzipSync(packed).equals(plain))
      // As streams do it, and with nothing left over.
      t.ok((await streamed(createGunzip(), packed)).equals(plain))
      t.ok((await gzipped(page)).equals(packed), 'again the same bytes')
      const damaged = Buffer.from(packed)
      damaged[packed.length - 8] = (damaged[packed.length - 8] as number) ^ 1
      t.throws(() => gunzipSync(damaged), 'the check sum counts')
    }
  }
})

test('one Brotli stream, whatever the parts', async (t) => {
  // Words of the dictionary of Brotli in many orders: whoever refers to it by number would be wrong behind other bytes.
  const words =
    'the time of international information about development government The service government'.split(' ')
  let n = 1
  const prose = Array.from({ length: 30_000 }, () => {
    n = (n * 48271) % 2147483647
    return words[n % words.length]
  }).join(' ')
  const texts = ['', 'x', prose, `{"type":"indicator","name":"${prose.slice(0, 100)}"}`.repeat(9000)]
  texts.push(
    randomBytes(300_000).toString('latin1'),
    'ü€😀'.repeat(999),
    randomBytes(70_000).toString('base64'),
  )
  const befores = ['{"objects":[', '', 'y', 'y'.repeat(65_536), 'y'.repeat(65_537), prose.slice(0, 5000)]
  for (const text of texts) {
    const kept = new PageText(text)
    for (const before of befores) {
      const page = { before: Buffer.from(before), text: kept, after: Buffer.from(before && ']}') }
      const plain = Buffer.from(`${before}${text}${before && ']}'}`)
      const packed = await brotlied(page)
      t.ok(brotliDecompressSync(packed).equals(plain), `${before.length} + ${text.length}`)
      t.ok((await streamed(createBrotliDecompress(), packed)).equals(plain), 'as streams do it')
      t.ok((await brotlied(page)).equals(packed), 'again the same bytes')
      if (before === '') t.ok(kept.length === 0 || kept.shed() > 0, 'the text can go')
    }
    t.ok((await kept.plain()).equals(Buffer.from(text)), 'and be had again')
  }
})

test('a part that is empty changes nothing, however often it was used', async (t) => {
  const empty = Buffer.alloc(0)
  const text = new PageText('{"title":"an API root"}')
  for (let i = 0; i < 3; i++) {
    const packed = await gzipped({ before: empty, text, after: empty })
    t.equal(gunzipSync(packed).toString(), '{"title":"an API root"}')
    // Node.js 20 says 0 of no bytes once their memory has been looked at, as writing them does.
    t.equal(empty.buffer.byteLength, 0)
  }
})

test('other programs read it', async (t) => {
  const text = new PageText('{"type":"indicator","name":"ü"}'.repeat(50_000))
  const packed = await gzipped({ before: Buffer.from('{"objects":['), text, after: Buffer.from(']}') })
  const plain = gunzipSync(packed)
  const maxBuffer = 2 ** 26
  const script = `import sys,gzip,zlib
data=sys.stdin.buffer.read()
d=zlib.decompressobj(31)
out=d.decompress(data)+d.flush()
assert d.eof and d.unused_data==b'' and out==gzip.decompress(data)
sys.stdout.buffer.write(out)`
  for (const [program, args] of [
    ['python3', ['-c', script]],
    ['gzip', ['-dc']],
  ] as const) {
    const run = spawnSync(program, args, { input: packed, maxBuffer })
    if (run.error) t.comment(`${program} is not here`)
    else t.ok(run.stdout.equals(plain), program)
  }
})

test('which requests get it', (t) => {
  for (const header of [
    'gzip',
    'x-gzip',
    '*',
    'br, gzip',
    'br;q=0.8, gzip;q=0.8',
    'gzip, deflate, br, zstd',
    'identity;q=0.5, gzip;q=0.5',
    'GZIP ; Q=1.000',
    'deflate, *;q=0.2',
  ]) {
    t.equal(codingFor(header), 'gzip', header)
  }
  for (const header of [
    undefined,
    '',
    'zstd',
    'br;q=0',
    'identity, br;q=0.9',
    'gzip;q=0',
    'gzip; q=0.000',
    '*;q=0',
    'identity, gzip;q=0.5',
    'identity;q=0.6, *;q=0.5',
  ]) {
    t.equal(codingFor(header), null, String(header))
  }
  for (const header of [
    'br',
    'br, gzip;q=0.001',
    'gzip;q=0, *',
    'deflate, BR ; q=0.3',
    'br;q=0.5, identity;q=0.5',
  ]) {
    t.equal(codingFor(header), 'br', header)
  }
  t.end()
})

const SIZE = 20_000
/** A quarter of it compressed. */
const pageOf = () => ({
  text: new PageText(
    randomBytes(SIZE / 4)
      .toString('hex')
      .padEnd(SIZE, 'x'),
  ),
  count: 1,
  first: 1n,
  last: 1n,
  more: true,
  rewritten: '0',
  places: new Map(),
  shares: null,
})

test('compressed forms count towards the memory for pages', async (t) => {
  const pages = new SealedPages(8 * SIZE)
  const kept = Array.from({ length: 6 }, pageOf)
  for (const [i, one] of kept.entries()) pages.keep(String(i), one)
  const before = pages.bytes
  await kept[5]?.text.packed('gzip')
  const grown = pages.bytes - before
  t.ok(grown > 0 && grown < SIZE / 2, `${grown} bytes more`)
  for (const i of kept.keys()) pages.drop(String(i))
  t.equal(pages.bytes, 0, 'nothing is counted that is gone')
})

test('where memory is short compressed pages are there without their plain text, and come back whole', async (t) => {
  const most = 8 * SIZE
  const pages = new SealedPages(most)
  const kept = Array.from({ length: 16 }, pageOf)
  const texts = await Promise.all(kept.map(async ({ text }) => (await text.plain()).toString()))
  const key = randomBytes(32)
  const digests = kept.map(({ text }) => text.digest(key).toString('hex'))
  for (const [i, one] of kept.entries()) {
    pages.keep(String(i), one)
    await one.text.packed('gzip')
    t.ok(pages.bytes <= most)
  }
  t.equal(
    kept.filter((_, i) => pages.has(String(i))).length,
    16,
    'all are there, plain only the half would be',
  )
  const shed = kept.filter(({ text }) => text.memory < SIZE)
  t.ok(shed.length > 8, `${shed.length} without their plain text`)
  for (const [i, { text }] of kept.entries()) {
    const { blocks, length } = await text.packed('gzip')
    const options = { finishFlush: constants.Z_SYNC_FLUSH }
    t.equal(inflateRawSync(blocks, options).toString(), texts[i])
    t.equal(length, texts[i]?.length)
    t.equal(text.length, texts[i]?.length)
  }
  const other = randomBytes(32)
  for (const [i, { text }] of kept.entries()) {
    t.equal(text.digest(key).toString('hex'), digests[i], 'the digest stays')
    t.strictSame(
      text.digest(other),
      new PageText(texts[i] as string).digest(other),
      'and follows another key',
    )
    const [once, again] = await Promise.all([text.plain(), text.plain()])
    t.equal(once.toString(), texts[i])
    t.equal(again.toString(), texts[i])
    t.ok(pages.bytes <= most)
  }
  for (const i of kept.keys()) pages.drop(String(i))
  t.equal(pages.bytes, 0, 'nothing is counted that is gone')
})

test('pages that nobody asked for compressed make room by going, the oldest first', async (t) => {
  const pages = new SealedPages(5 * SIZE)
  for (let i = 0; i < 8; i++) pages.keep(String(i), pageOf())
  t.ok(pages.bytes <= 5 * SIZE)
  t.notOk(pages.find('0'))
  t.ok(pages.find('7'))
})
