/**
 * Puts each mutant into a copy of the compiled program, or into the test databases, and runs the proofs that should notice; `npm run test:mutants`.
 * Exits 1 when a mutant survives that is not told to be equivalent, or when its text is not found exactly once.
 * COMITY_MUTANTS=TEXT runs those whose file and name, with a blank between, have the text; several with | between them.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../support/paths.ts'
import { ANSWERS, type Mutant, PURE, WORLDS } from './mutants.ts'

/** Beside build/, so that everything is as deep in the package as it is there. */
const copy = join(root, 'build-mutants')
const wanted = (process.env.COMITY_MUTANTS ?? '').split('|')

const UNIT = ['permit-references', 'redact-copies', 'permit-matrix', 'kin'].map(
  (name) => `test/unit/${name}.test.js`,
)
const HTTP = ['references', 'redaction', 'model-worlds'].map((name) => `test/http/${name}.test.js`)
const ASKED = [
  'short-way',
  'recalls',
  'recalls-blind',
  'recalled-copies',
  'ledger',
  'ledger-blind',
  'appended-again',
  'embargo-beside-hidden',
  'embargo-elsewhere',
  'policy-capped',
  'public-collection',
  'references',
  'answers-blind',
  'late-tightening',
  'hidden-arrivals',
  '../store/merged-entries',
  'non-interference',
].map((name) => `test/http/${name}.test.js`)
/** A test of a database, which takes seconds. */
const SMALL = 'recalls'
/** Of one proof; a mutant that makes a proof run for ever is noticed as well. */
const MOST_SECONDS = 180

/** By the last proof that failed. */
let said = ''

/** @param sql file with functions for the test databases */
function notices(proofs: readonly string[], worlds: string, sql = ''): string | null {
  for (const proof of proofs) {
    const ran = spawnSync(process.execPath, [join(copy, proof)], {
      cwd: root,
      env: {
        ...process.env,
        TAP_BAIL: '1',
        TAP_TIMEOUT: String(MOST_SECONDS),
        COMITY_SEED: '5',
        COMITY_WORLDS: worlds,
        COMITY_READERS: '1',
        COMITY_TEST_SQL: sql,
      },
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
      maxBuffer: 100_000_000,
      timeout: MOST_SECONDS * 1000,
    })
    if (ran.status === 0) continue
    said = ran.stdout
    return ran.signal === null ? proof : `${proof}, which did not end`
  }
  return null
}

type Verdict = 'killed' | 'equivalent' | 'survived' | 'broken'

function judge(mutant: Mutant, proofs: readonly string[]): Verdict {
  const inDatabase = mutant.file.startsWith('migrations/')
  const file = inDatabase ? join(root, mutant.file) : join(copy, 'src', mutant.file)
  const source = readFileSync(file, 'utf8')
  const found = source.split(mutant.text).length - 1
  if (found !== 1) {
    console.log(`BROKEN    ${mutant.file}: ${mutant.name}: its text is there ${found} times`)
    return 'broken'
  }
  const place = inDatabase ? join(copy, 'mutant.sql') : file
  writeFileSync(
    place,
    source.replace(mutant.text, () => mutant.by),
  )
  const started = performance.now()
  const by = notices(proofs, '8', inDatabase ? place : '')
  if (!inDatabase) writeFileSync(file, source)
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  const end = by ? `killed by ${by}` : mutant.equivalent ? `equivalent: ${mutant.equivalent}` : 'SURVIVED'
  console.log(
    `${by ? 'killed   ' : mutant.equivalent ? 'equal    ' : 'SURVIVED '} ${mutant.file}: ${mutant.name} (${end}, ${seconds} s)`,
  )
  if (by) return 'killed'
  return mutant.equivalent === undefined ? 'survived' : 'equivalent'
}

rmSync(copy, { recursive: true, force: true })
cpSync(join(root, 'build'), copy, { recursive: true })
try {
  const all = [
    ...PURE.map((m) => ({ m, proofs: UNIT })),
    ...WORLDS.map((m) => ({ m, proofs: HTTP })),
    ...ANSWERS.map((m) => ({ m, proofs: ASKED })),
  ]
  const chosen = all.filter(({ m }) => wanted.some((text) => `${m.file} ${m.name}`.includes(text)))
  for (const proofs of new Set(chosen.map(({ proofs }) => proofs))) {
    const before = notices(proofs, '8')
    if (before) throw new Error(`${before} fails without any mutant:\n${said}`)
  }
  // A migration that cannot be repeated would kill each of its mutants.
  for (const file of new Set(
    chosen.map(({ m }) => m.file).filter((file) => file.startsWith('migrations/')),
  )) {
    const before = notices([`test/http/${SMALL}.test.js`], '1', join(root, file))
    if (before) throw new Error(`${before} fails with ${file} as it is:\n${said}`)
  }
  const verdicts = chosen.map(({ m, proofs }) => judge(m, proofs))
  const count = (verdict: Verdict) => verdicts.filter((v) => v === verdict).length
  console.log(
    `${verdicts.length} mutants: ${count('killed')} killed, ${count('equivalent')} equivalent, ${count('survived')} survived, ${count('broken')} not found`,
  )
  process.exitCode = count('survived') + count('broken') === 0 ? 0 : 1
} finally {
  rmSync(copy, { recursive: true, force: true })
}
