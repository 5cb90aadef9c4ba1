/** Work that no request waits for: unfinished uploads, vetoes that name rows, embargoes that end, releases that are due, statuses that expire, statistics, partitions of the log, the ledger, objects from before the match fields. */

import { tendPartitions } from '../store/partitions.ts'
import { routeRequests, sweepReleases } from '../store/release-requests.ts'
import { sweepStatuses } from '../store/statuses.ts'
import { tendStatistics } from '../store/write-items.ts'
import { continueUpload } from './add-objects.ts'
import type { Exchange } from './exchange.ts'
import { keepLedger } from './keep-ledger.ts'
import { labelAnew } from './label-anew.ts'
import { nameAnew } from './name-anew.ts'
import { fillMatches } from './note-matches.ts'
import { releaseDue } from './release-due.ts'
import { continueSchedule } from './release-step.ts'

const EVERY = 500
/** Longest pause while the database is away: so late is work resumed when it is back. */
const PATIENCE = 3_000
const SWEEP = 600_000_000n
/** Schedules that ended and requests that expired are shown for a year. */
const RELEASES_KEPT = 365n * 86_400_000_000n
const TEND = 3_000_000n

/** Starts the loop; any number of nodes may run it. @returns stops it and waits for the step that runs */
export function startBackground(exchange: Exchange, onError: (error: unknown) => void): () => Promise<void> {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let swept = 0n
  let tended = 0n
  let pause = EVERY
  const step = async () => {
    try {
      const now = exchange.clock.now()
      while (!stopped && (await nameAnew(exchange))) {}
      while (!stopped && (await releaseDue(exchange)) > 0) {}
      while (!stopped && (await continueSchedule(exchange))) {}
      while (!stopped && (await routeRequests(exchange.pool)) > 0) {}
      while (!stopped && (await continueUpload(exchange))) {}
      if (now - tended > TEND) {
        await tendStatistics(exchange.pool)
        await exchange.measureBreadth()
        tended = now
      }
      if (now - swept > SWEEP) {
        await sweepStatuses(exchange.pool, now - BigInt(exchange.config.statusHours) * 3_600_000_000n)
        await sweepReleases(exchange.pool, now - RELEASES_KEPT)
        await tendPartitions(exchange.pool, now, exchange.config.partitionMonths)
        swept = now
      }
      while (!stopped && (await labelAnew(exchange))) {}
      while (!stopped && (await fillMatches(exchange))) {}
      await keepLedger(exchange, () => stopped)
      pause = EVERY
    } catch (error) {
      pause = Math.min(pause * 2, PATIENCE)
      onError(error)
    }
  }
  let running: Promise<void> = Promise.resolve()
  const loop = () => {
    running = step().finally(() => {
      if (!stopped) timer = setTimeout(loop, pause)
    })
  }
  loop()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await running
  }
}
