/** Positions as the ledger holds them: read back as they were, and as short as docs/policy-parts/ledger.md says. */
import { test } from 'tap'
import { decodeRuns, leb128, Runs, stretchOf } from '../../src/store/runs.ts'
import { Random } from '../support/random.ts'

const START = 1_790_000_000_000_000

test('what runs look like', (t) => {
  const cases: [string, number[], string][] = [
    ['one', [7], '02'],
    ['side by side', [7, 8, 9], '06'],
    ['side by side, a gap, side by side', [7, 8, 20, 21], '040b04'],
    ['steps', [7, 10, 13], '0703'],
    ['two far apart are shorter one by one', [7, 10], '020202'],
    ['two far apart, then steps of another width', [7, 10, 12, 14], '02020702'],
    ['two far apart, then side by side', [7, 10, 11, 12], '020206'],
    ['three that lie alone', [7, 10, 20], '0202020902'],
    ['a long run', Array.from({ length: 1000 }, (_, i) => i), 'd00f'],
    ['a long step', [0, 300, 600], '07ac02'],
  ]
  for (const [what, places, runs] of cases) {
    const at = places.map((place) => START + place)
    t.strictSame(
      stretchOf(at),
      { count: at.length, first: String(at[0]), last: String(at.at(-1)), runs },
      what,
    )
  }
  t.end()
})

test('read back', (t) => {
  const random = new Random(27)
  for (let n = 0; n < 500; n++) {
    const steps = random.pick([[1], [1, 1, 1, 2], [3, 3, 3, 1], [1, 2, 3, 4_000_000_000], [5]])
    const places: number[] = []
    for (let i = random.below(60), at = START; i >= 0; i--, at += random.pick(steps)) places.push(at)
    const stretch = stretchOf(places)
    t.strictSame(decodeRuns(Number(stretch.first), Buffer.from(stretch.runs, 'hex')), places)
    const counted = new Runs(START - 5)
    for (const at of places) counted.add(at - START + 5)
    t.strictSame(counted.end(), stretch, 'wherever they are counted from')
  }
  t.end()
})

test('numbers', (t) => {
  for (const [value, text] of [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [2 ** 52, '8080808080808008'],
  ] as const) {
    t.equal(leb128(value), text)
  }
  t.end()
})
