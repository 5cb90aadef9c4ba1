/** One lock per test run, held by exactly one process, broken when its holder has died. */
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

export function alive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 2) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function holder(file: string): number | null {
  try {
    return Number(readFileSync(file, 'utf8')) || 0
  } catch {
    return null
  }
}

/** Removes the lock of a dead holder; gives it back if it has changed hands in between. */
function breakStale(file: string, dead: number): void {
  const aside = `${file}.${process.pid}`
  try {
    renameSync(file, aside)
    if (holder(aside) !== dead) linkSync(aside, file)
  } catch {
    // Another process was faster.
  }
  try {
    unlinkSync(aside)
  } catch {
    // Never taken.
  }
}

/** Takes the lock, runs, gives it back. */
export async function locked<T>(file: string, work: () => Promise<T>): Promise<T> {
  const mine = `${file}.new.${process.pid}`
  writeFileSync(mine, String(process.pid))
  try {
    for (;;) {
      try {
        linkSync(mine, file)
        break
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const pid = holder(file)
      if (pid !== null && !alive(pid)) breakStale(file, pid)
      else await sleep(20)
    }
  } finally {
    unlinkSync(mine)
  }
  try {
    return await work()
  } finally {
    try {
      unlinkSync(file)
    } catch {
      // Already gone.
    }
  }
}
