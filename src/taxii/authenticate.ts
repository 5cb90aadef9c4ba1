/** Who is asking: HTTP Basic, API tokens and JWT; verified slowly once, remembered for at most a minute. */
import { hash, randomBytes } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import { AppError } from '../errors.ts'
import { hashPassword, keyedHash, tokenDigest, verifyPassword } from '../policy/credentials.ts'
import { ANONYMOUS, type Caller, type Token } from '../policy/model.ts'
import { findToken, readPassword, touchToken } from '../store/credentials.ts'
import type { Micros } from '../time.ts'
import type { Exchange } from './exchange.ts'
import { Throttle } from './throttle.ts'

/** What a JWT of ours carries: identity only; rights are looked up (`tok`: the API token it was made with). */
export interface Claims {
  sub: string
  tok?: string
  /** The principal's `changed` when it was made: a new password ends it. */
  chg: string
}

export interface Credentials {
  /** The Authorization header as sent. */
  authorization: string | undefined
  address: string
}

interface Remembered {
  principal: string
  changed: Micros
  token: string | null
  until: Micros
}

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/
const MINUTE = 60_000_000n
const MOST = 50_000

export class Authenticator {
  readonly #exchange: Exchange
  readonly #verifyJwt: (text: string) => Claims | null
  readonly #key = randomBytes(32).toString('hex')
  readonly #remembered = new Map<string, Remembered>()
  readonly #running = new Map<string, Promise<Remembered | null>>()
  /** What an unknown principal's password is compared with, so that unknown costs what wrong costs. */
  readonly #decoy = hashPassword(randomBytes(16).toString('hex'))
  readonly #byPrincipal: Throttle
  readonly #byAddress: Throttle

  constructor(exchange: Exchange, verifyJwt: (text: string) => Claims | null) {
    this.#exchange = exchange
    this.#verifyJwt = verifyJwt
    const rate = exchange.config.loginThrottle
    this.#byPrincipal = new Throttle(rate, exchange.clock)
    this.#byAddress = new Throttle(rate && { ...rate, count: rate.count * 10 }, exchange.clock)
  }

  /**
   * @returns the caller; ANONYMOUS without an Authorization header
   * @throws unauthorized for wrong and unknown credentials alike; tooManyRequests after too many of them
   */
  async authenticate({ authorization, address }: Credentials): Promise<Caller> {
    if (authorization === undefined || authorization === '') return ANONYMOUS
    const [, scheme = '', value = ''] = /^([A-Za-z]+) +(\S+) *$/.exec(authorization) ?? []
    const kind = scheme.toLowerCase()
    if (kind === 'bearer' || kind === 'token') {
      // An API token may have two dots as well: what is no JWT of ours is looked up.
      const claims = kind === 'bearer' && JWT.test(value) ? readClaims(this.#verifyJwt(value)) : null
      if (claims) return this.#fromJwt(claims, address)
      return await this.#remember(`token ${value}`, '', address, () => this.#checkToken(value))
    }
    if (kind === 'basic' && this.#exchange.config.basicAuth) {
      const pair = decodeBasic(value)
      if (!pair) throw refused()
      const [user, password] = pair
      return await this.#remember(`basic ${user}\0${password}`, user, address, () =>
        this.#checkPassword(user, password),
      )
    }
    throw refused()
  }

  async #remember(
    credential: string,
    user: string,
    address: string,
    check: () => Promise<Remembered | null>,
  ): Promise<Caller> {
    const { clock, observer } = this.#exchange
    const key = hash('sha256', this.#key + credential, 'base64')
    const known = this.#remembered.get(key)
    if (known && clock.now() < known.until) {
      const caller = this.#caller(known, address)
      if (caller) {
        observer.credential('remembered')
        return caller
      }
    }
    this.#remembered.delete(key)
    const wait = Math.max(this.#byPrincipal.wait(`${user}\0${address}`), this.#byAddress.wait(address))
    if (wait > 0) {
      observer.credential('throttled')
      throw new AppError('tooManyRequests', {
        detail: `Too many failed logins; try again in ${wait} seconds.`,
        headers: { 'retry-after': String(wait) },
      })
    }
    let running = this.#running.get(key)
    if (!running) {
      running = this.#exchange
        .refresh()
        .then(check)
        .finally(() => this.#running.delete(key))
      this.#running.set(key, running)
    }
    const found = await running
    const caller = found && this.#caller(found, address)
    if (!found || !caller) {
      this.#byPrincipal.take(`${user}\0${address}`)
      this.#byAddress.take(address)
      observer.credential('refused')
      throw refused()
    }
    if (this.#remembered.size >= MOST) this.#remembered.clear()
    this.#remembered.set(key, found)
    observer.credential('verified')
    return caller
  }

  async #checkPassword(user: string, password: string): Promise<Remembered | null> {
    const { pool, clock } = this.#exchange
    const row = await readPassword(pool, user)
    const right = await verifyPassword(password, row?.passwordHash ?? (await this.#decoy))
    if (!row?.passwordHash || !right) return null
    return { principal: user, changed: row.changed, token: null, until: clock.now() + MINUTE }
  }

  async #checkToken(value: string): Promise<Remembered | null> {
    const { pool, clock, world } = this.#exchange
    const key = Buffer.from(world.settings.get('token_key') ?? '', 'hex')
    const id = await findToken(pool, keyedHash(key, tokenDigest(value)))
    const token = id === null ? undefined : this.#exchange.world.tokens.get(id)
    const principal = token && this.#exchange.world.topology.principals.get(token.principal)
    if (!token || !principal) return null
    await touchToken(pool, token.id, clock.now())
    return {
      principal: principal.id,
      changed: principal.changed,
      token: token.id,
      until: clock.now() + MINUTE,
    }
  }

  #fromJwt(claims: Claims, address: string): Caller {
    const known = {
      principal: claims.sub,
      changed: BigInt(claims.chg),
      token: claims.tok ?? null,
      until: 0n,
    }
    const caller = this.#caller(known, address)
    if (!caller) throw refused()
    return { ...caller, jwt: true }
  }

  /** What a verified credential is worth in the world as it is now; null when it has died since. */
  #caller(known: Remembered, address: string): Caller | null {
    const { world, clock } = this.#exchange
    const principal = world.topology.principals.get(known.principal)
    if (!principal || (known.token === null && principal.changed !== known.changed)) return null
    let token: Token | null = null
    if (known.token !== null) {
      token = world.tokens.get(known.token) ?? null
      if (!token || token.principal !== principal.id) return null
      if (token.expires !== null && clock.now() >= token.expires) return null
      if (token.cidrs && !inside(token.cidrs, address)) return null
    }
    const subject = this.#exchange.subject(principal, token?.maxTlp ?? null)
    return subject && { id: principal.id, subject, token }
  }
}

/** Signed by us is not enough: another release may have meant something else. */
function readClaims(claims: Claims | null): Claims | null {
  if (claims === null || typeof claims.sub !== 'string' || !/^\d{1,18}$/.test(String(claims.chg))) return null
  return claims.tok === undefined || typeof claims.tok === 'string' ? claims : null
}

function refused(): AppError {
  return new AppError('unauthorized')
}

/** RFC 7617: user-id up to the first colon, UTF-8. */
function decodeBasic(value: string): [string, string] | null {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) return null
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'base64'))
  } catch {
    return null
  }
  const at = text.indexOf(':')
  return at < 0 || text.includes('\0') ? null : [text.slice(0, at), text.slice(at + 1)]
}

const lists = new Map<string, BlockList>()

function inside(cidrs: readonly string[], address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  const key = cidrs.join()
  let list = lists.get(key)
  if (!list) {
    list = new BlockList()
    for (const cidr of cidrs) {
      const [network = '', bits] = cidr.split('/')
      const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
      list.addSubnet(network, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
    }
    if (lists.size > 1000) lists.clear()
    lists.set(key, list)
  }
  return list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
}
