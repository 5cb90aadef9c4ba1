/**
 * JSON files of the suite: `node build/bench/suite/compare.js BEFORE AFTER` shows two side by side, with one file the table
 * for docs/performance.md.
 */
import { readFileSync } from 'node:fs'
import { type Figure, round, said } from './report.ts'

interface Run {
  commit: string
  objects: number
  figures: Figure[]
}

const [before, after] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')) as Run)
if (!before) {
  process.stderr.write('usage: compare.js BEFORE.json AFTER.json, or compare.js RUN.json\n')
  process.exit(2)
}
if (!after) {
  process.stdout.write('| scenario | figure | beside | goal | |\n|---|---|---|---|---|\n')
  for (const figure of before.figures) {
    const { value, beside, goal, verdict } = said(figure)
    process.stdout.write(`| ${figure.name} | ${value} | ${beside} | ${goal} | ${verdict} |\n`)
  }
  process.exit()
}
if (before.objects !== after.objects) process.stdout.write('The runs had different numbers of objects.\n')
process.stdout.write(
  `${''.padEnd(60)}${before.commit.padStart(16)}${after.commit.padStart(16)}   after/before\n`,
)
for (const figure of after.figures) {
  const old = before.figures.find(({ name }) => name === figure.name)
  // A ratio beside the machine's limits compares across runs; an absolute figure only on the same quiet machine.
  const [a, b] = [old?.ratio ?? old?.value, figure.ratio ?? figure.value]
  const unit = figure.ratio === undefined ? figure.unit : `x ${figure.yardstick?.name}`
  process.stdout.write(
    `${figure.name.padEnd(60)}${a === undefined ? 'new'.padStart(16) : round(a).padStart(16)}${round(b).padStart(16)}   ${
      a === undefined ? '' : (b / a).toFixed(2).padStart(6)
    }  ${unit}\n`,
  )
}
