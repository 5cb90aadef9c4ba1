/** What a process of ours takes of the machine, as Linux shows it; 0 elsewhere. */
import { readFileSync, writeFileSync } from 'node:fs'

function kilobytes(pid: number, field: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** Megabytes of memory now. */
export const resident = (pid: number): number => kilobytes(pid, 'VmRSS') / 1024

/** Megabytes of memory at most, since `resetPeak`. */
export const peak = (pid: number): number => kilobytes(pid, 'VmHWM') / 1024

export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    // Not on Linux: the peak reads 0.
  }
}
