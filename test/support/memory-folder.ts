/** Where a Postgres of the tests keeps its data: in memory if there is room for it, or among the temporary files. */
import { accessSync, constants, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** Linux's file system in memory; elsewhere there is none. */
export const SHARED_MEMORY = '/dev/shm'

/** A whole run needs half a gigabyte; a container often has 64 MB there, and then the disk it is. */
const ROOM = 3 * 1024 ** 3

/**
 * A database is a thousand files, made and deleted for every test: half of the work of a run, where they are on a disk.
 * Nothing is lost with it, since no Postgres of a test outlives its run. COMITY_TEST_MEMORY=off: the disk all the same.
 */
export function memoryFolder(): string {
  if (process.env.COMITY_TEST_MEMORY === 'off') return tmpdir()
  try {
    accessSync(SHARED_MEMORY, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = statfsSync(SHARED_MEMORY)
    if (bavail * bsize >= ROOM && process.availableMemory() >= ROOM) return SHARED_MEMORY
  } catch {
    // There is none, or it is not for us.
  }
  return tmpdir()
}
