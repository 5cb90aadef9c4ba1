/** The slowest answers of the STIX validator to hostile texts of 1 MB and of 64 kB: each the median of some runs, in ms of the processor. */
import { validateText } from '../src/stix/index.ts'
import { HOSTILE_BUNDLES } from './hostile-bundles.ts'
import { HOSTILE_OBJECTS } from './hostile-objects.ts'

/** Part of the names of the texts that are wanted; all when it is not given. */
const ONLY = process.argv[2] ?? ''
const RUNS = 9
const SMALL_RUNS = 25

/** Runs before those that count: the engine compiles the code that a text reaches, which a server does once. */
const WARM = 4

function median(text: string, runs: number): number {
  const times: number[] = []
  for (let i = -WARM; i < runs; i++) {
    const start = process.cpuUsage()
    validateText(text)
    const { user, system } = process.cpuUsage(start)
    if (i >= 0) times.push((user + system) / 1000)
  }
  return times.sort((a, b) => a - b)[runs >> 1] as number
}

const worst = { large: 0, small: 0 }
for (const [name, make] of [...HOSTILE_OBJECTS, ...HOSTILE_BUNDLES]) {
  if (!name.includes(ONLY)) continue
  const large = median(make(980_000), RUNS)
  const small = median(make(64_000), SMALL_RUNS)
  worst.large = Math.max(worst.large, large)
  worst.small = Math.max(worst.small, small)
  console.log(`${large.toFixed(1).padStart(8)} ms  ${small.toFixed(2).padStart(8)} ms  ${name}`)
}
console.log(
  `worst: ${worst.large.toFixed(1)} ms for 1 MB (goal 50), ${worst.small.toFixed(2)} ms for 64 kB (goal 5)`,
)
