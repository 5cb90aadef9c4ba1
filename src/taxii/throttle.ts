/** Token buckets in memory, bounded in number: how often something may happen per key. */
import type { Rate } from '../config.ts'
import type { Clock } from '../time.ts'

interface Bucket {
  tokens: number
  at: number
}

const MOST = 100_000

export class Throttle {
  readonly #rate: Rate
  readonly #clock: Clock
  readonly #buckets = new Map<string, Bucket>()

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate
    this.#clock = clock
  }

  /** Seconds until this key may go on; 0 = now. Takes nothing. */
  wait(key: string): number {
    if (!this.#rate) return 0
    const bucket = this.#filled(key)
    if (!bucket || bucket.tokens >= 1) return 0
    return Math.max(1, Math.ceil((1 - bucket.tokens) * (this.#rate.seconds / this.#rate.count)))
  }

  /** Takes one. */
  take(key: string): void {
    if (!this.#rate) return
    const bucket = this.#filled(key) ?? { tokens: this.#rate.count, at: this.#now() }
    bucket.tokens = Math.max(0, bucket.tokens - 1)
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > MOST) {
      const oldest = this.#buckets.keys().next()
      if (!oldest.done) this.#buckets.delete(oldest.value)
    }
  }

  #filled(key: string): Bucket | undefined {
    const bucket = this.#buckets.get(key)
    if (!bucket || !this.#rate) return undefined
    const now = this.#now()
    bucket.tokens = Math.min(
      this.#rate.count,
      bucket.tokens + ((now - bucket.at) * this.#rate.count) / this.#rate.seconds,
    )
    bucket.at = now
    return bucket
  }

  #now(): number {
    return Number(this.#clock.now()) / 1e6
  }
}
