/** How many bodies, and how many bytes of them, this node holds at once: beyond it, it says so before it reads one. */
import { AppError } from '../errors.ts'

export interface IntakeLimits {
  /** Bodies that are read, checked or wait to be stored. */
  bodies: number
  /** Of one principal. */
  share: number
  /** Of all bodies, as sent and as expanded. */
  bytes: number
}

/** One body's place: taken before the first byte, given back when the work on the request has ended. */
export interface Place {
  /** @returns false when this many bytes more do not fit */
  room(bytes: number): boolean
  release(): void
}

const WAIT = '5'

export class Intake {
  readonly #limits: IntakeLimits
  readonly #open = new Map<string, number>()
  #bodies = 0
  #bytes = 0

  constructor(limits: IntakeLimits) {
    this.#limits = limits
  }

  /**
   * @param length of the body as announced, 0 when it is not
   * @throws tooManyRequests for one principal's share; unavailable, without a word on whose bodies they are
   */
  admit(principal: string, length: number): Place {
    const { bodies, share, bytes } = this.#limits
    const mine = this.#open.get(principal) ?? 0
    if (mine >= share) {
      throw new AppError('tooManyRequests', {
        detail: `This server works on ${share} request bodies of one client at a time: wait for answers before you send more.`,
        headers: { 'retry-after': WAIT },
      })
    }
    // Alone, a body of any size that is allowed is taken.
    if (this.#bodies >= bodies || (this.#bytes > 0 && this.#bytes + length > bytes)) {
      throw new AppError('unavailable', { headers: { 'retry-after': WAIT } })
    }
    this.#bodies++
    this.#open.set(principal, mine + 1)
    let reserved = length
    this.#bytes += reserved
    let come = 0
    let released = false
    return {
      room: (more) => {
        come += more
        if (come > reserved) {
          this.#bytes += come - reserved
          reserved = come
        }
        return this.#bytes <= bytes || this.#bytes === reserved
      },
      release: () => {
        if (released) return
        released = true
        this.#bodies--
        this.#bytes -= reserved
        const left = (this.#open.get(principal) ?? 1) - 1
        if (left > 0) this.#open.set(principal, left)
        else this.#open.delete(principal)
      },
    }
  }
}
