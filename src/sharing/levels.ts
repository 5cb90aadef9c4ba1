/** Numbers per level; a level without any is left out. */
import type { Level } from '../policy/model.ts'

export type PerLevel = Partial<Record<Level, number>>

/**
 * Adds to the number of one level. They stay in the order of their names: that in which rows were met may hang on what the
 * caller does not see.
 */
export function count(numbers: PerLevel, level: Level, more: number): void {
  const before = numbers[level]
  numbers[level] = (before ?? 0) + more
  if (before !== undefined) return
  for (const [name, number] of Object.entries(numbers).sort() as [Level, number][]) {
    delete numbers[name]
    numbers[name] = number
  }
}
