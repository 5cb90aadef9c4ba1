/** Patterns per second, one thread, by kind of pattern: parse and check, extract values, print. */
import { cpus } from 'node:os'
import { extractObservables, parsePattern, printPattern } from '../src/stix/pattern/index.ts'

const SECONDS = Number(process.env.BENCH_SECONDS ?? 1)
/** Texts per kind: different ones, so that no cache of the engine flatters the figure. */
const TEXTS = 2_000

function digits(i: number, size: number): string {
  let text = ''
  for (let seed = i * 2_654_435_761 + 1; text.length < size; seed = (seed * 48_271) % 2_147_483_647) {
    text += (seed >>> 0).toString(16)
  }
  return text.slice(0, size)
}

const KINDS: Record<string, (i: number) => string> = {
  'ipv4-addr': (i) => `[ipv4-addr:value = '198.51.${(i >> 8) & 255}.${i & 255}']`,
  'domain-name': (i) => `[domain-name:value='host-${digits(i, 8)}.example.org']`,
  'url with escapes': (i) => `[url:value = 'http://example.org/${digits(i, 6)}?q=\\'x\\'']`,
  'file hash': (i) => `[file:hashes.'SHA-256' = '${digits(i, 64)}']`,
  'two hashes or name': (i) =>
    `[file:hashes.MD5 = '${digits(i, 32)}' OR file:hashes.'SHA-1' = '${digits(i, 40)}' OR file:name = 'a${i}.exe']`,
  'two observations, qualifiers': (i) =>
    `([ipv4-addr:value = '198.51.100.${i & 255}'] FOLLOWEDBY [network-traffic:dst_ref.value ISSUBSET '203.0.113.0/24' AND network-traffic:dst_port IN (443, 8443, ${i})]) WITHIN 300 SECONDS START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'`,
  'OR of 50 addresses': (i) =>
    `[${Array.from({ length: 50 }, (_, k) => `ipv4-addr:value = '10.${k}.${(i >> 8) & 255}.${i & 255}'`).join(' OR ')}]`,
  'refused at its end': (i) => `[ipv4-addr:value = '198.51.100.${i & 255}'`,
}

function rate(texts: readonly string[], work: (text: string) => unknown): number {
  let sink = 0
  const run = (until: number): number => {
    let done = 0
    while (performance.now() < until) {
      for (const text of texts) if (work(text) === null) sink++
      done += texts.length
    }
    return done
  }
  run(performance.now() + 300)
  const start = performance.now()
  const done = run(start + SECONDS * 1_000)
  const spent = performance.now() - start
  if (sink > 0) throw new Error('the work gave nothing')
  return Math.round((done / spent) * 1_000)
}

const rows = Object.entries(KINDS).map(([kind, make]) => {
  const texts = Array.from({ length: TEXTS }, (_, i) => make(i))
  const parsed = texts.map((text) => parsePattern(text))
  const valid = parsed.every((result) => result.ok)
  const all = (use: (ast: Parameters<typeof printPattern>[0]) => unknown) => (text: string) => {
    const result = parsePattern(text)
    return result.ok ? use(result.ast) : null
  }
  return {
    kind,
    characters: texts[0]?.length,
    'parse+check /s': rate(texts, (text) => parsePattern(text)),
    '+ extract /s': valid ? rate(texts, all(extractObservables)) : '-',
    '+ print /s': valid ? rate(texts, all(printPattern)) : '-',
  }
})

console.log(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, one thread`)
console.table(rows)
