/** What operators watch: requests, latencies, pool, ingest; nothing per level, country or organization. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Observer } from '../taxii/exchange.ts'

export interface Metrics extends Observer {
  registry: Registry
  request(method: string, route: string, status: number, seconds: number): void
  /** Adds the replica's figures. @returns takes what became of each page that it could have read */
  replica(isUp: () => boolean): (outcome: string) => void
}

/** @param pool reads the database pool's use at scrape time */
export function createMetrics(pool: () => { total: number; idle: number; waiting: number }): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'comity_' })
  const registers = [registry]
  const requests = new Counter({
    name: 'comity_requests_total',
    help: 'Requests by method, route and status',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const latency = new Histogram({
    name: 'comity_request_seconds',
    help: 'Seconds from the request line to the end of the answer',
    labelNames: ['method', 'route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  })
  const objects = new Counter({
    name: 'comity_ingested_objects_total',
    help: 'Objects received, by outcome',
    labelNames: ['outcome'],
    registers,
  })
  const logins = new Counter({
    name: 'comity_credentials_total',
    help: 'Credentials presented, by outcome',
    labelNames: ['outcome'],
    registers,
  })
  new Gauge({
    name: 'comity_pool_connections',
    help: 'Database connections by state, and requests that wait for one',
    labelNames: ['state'],
    registers,
    collect() {
      const usage = pool()
      this.set({ state: 'total' }, usage.total)
      this.set({ state: 'idle' }, usage.idle)
      this.set({ state: 'waiting' }, usage.waiting)
    },
  })
  return {
    registry,
    request(method, route, status, seconds) {
      requests.inc({ method, route, status: String(status) })
      latency.observe({ method, route }, seconds)
    },
    replica(isUp) {
      new Gauge({
        name: 'comity_replica_up',
        help: '1 while pages are read from the replica',
        registers,
        collect() {
          this.set(isUp() ? 1 : 0)
        },
      })
      const pages = new Counter({
        name: 'comity_replica_pages_total',
        help: 'Pages that the replica could have read, by outcome; the primary read those that were not served',
        labelNames: ['outcome'],
        registers,
      })
      return (outcome) => pages.inc({ outcome })
    },
    ingested(success, failure) {
      objects.inc({ outcome: 'success' }, success)
      objects.inc({ outcome: 'failure' }, failure)
    },
    credential: (outcome) => logins.inc({ outcome }),
  }
}
