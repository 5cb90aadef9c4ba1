/** Each mutant's place is there, exactly once: a list that has gone stale proves nothing (docs/policy-parts/proofs.md). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { ANSWERS, PURE, WORLDS } from '../mutants/mutants.ts'
import { root } from '../support/paths.ts'

test('every mutant changes one place of the program, and says another thing there', async (t) => {
  const all = [...PURE, ...WORLDS, ...ANSWERS]
  const names = all.map(({ file, name }) => `${file} ${name}`)
  t.equal(new Set(names).size, names.length, 'each has a name of its own')
  t.ok(all.length >= 160)
  for (const { file, name, text, by } of all) {
    const path = file.startsWith('migrations/') ? join(root, file) : join(root, 'build', 'src', file)
    t.equal(readFileSync(path, 'utf8').split(text).length - 1, 1, `${file}: ${name}`)
    t.not(text, by, name)
  }
})
