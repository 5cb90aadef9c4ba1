/** Numbers per level; a level without any is left out. */
import type { Level } from '../policy/model.ts'

export type PerLevel = Partial<Record<Level, number>>

/**
 * Adds to the number of one level. They stay in the order of their names: that in which rows were met may hang on what the
 * caller does not see.
 */
export function count(numbers: PerLevel, level: Level, more: number): void {
  const added = { ...numbers, [level]: (numbers[level] ?? 0) + more }
  for (const name of Object.keys(added).sort() as Level[]) {
    delete numbers[name]
    numbers[name] = added[name] as number
  }
}
