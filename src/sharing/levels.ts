/** Numbers per level; a level without any is left out. */
import type { Level } from '../policy/model.ts'

export type PerLevel = Partial<Record<Level, number>>

/** Adds to the number of one level. */
export function count(numbers: PerLevel, level: Level, more: number): void {
  numbers[level] = (numbers[level] ?? 0) + more
}
