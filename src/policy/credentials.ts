/** Passwords and API tokens: making, hashing and comparing them. */
import { createHash, createHmac, randomBytes, randomInt, scrypt, timingSafeEqual } from 'node:crypto'

interface Parameters {
  n: number
  r: number
  p: number
}

const PARAMETERS: Parameters = { n: 16_384, r: 8, p: 1 }
const KEY_BYTES = 32
const MEMORY_LIMIT = 256 * 1024 * 1024
const STORED = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([A-Za-z0-9_-]{11,172})\$([A-Za-z0-9_-]{22,172})$/

const AT_ONCE = 2
let running = 0
const waiting: (() => void)[] = []

/** Lets at most two derivations run at once: each takes 16 MB and a thread that database lookups also need. */
async function derive(
  password: string,
  salt: Buffer,
  length: number,
  { n, r, p }: Parameters,
): Promise<Buffer> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
  else running++
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      scrypt(
        password.normalize('NFC'),
        salt,
        length,
        { N: n, r, p, maxmem: 2 * MEMORY_LIMIT },
        (error, key) => (error ? reject(error) : resolve(key)),
      )
    })
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}

function readStored(stored: string): (Parameters & { salt: Buffer; key: Buffer }) | null {
  const m = STORED.exec(stored)
  if (!m) return null
  const [n, r, p] = [Number(m[1]), Number(m[2]), Number(m[3])]
  const powerOfTwo = n >= 1024 && (n & (n - 1)) === 0
  if (!powerOfTwo || r < 1 || p < 1 || p > 16 || 128 * n * r > MEMORY_LIMIT) return null
  return { n, r, p, salt: Buffer.from(m[4] ?? '', 'base64url'), key: Buffer.from(m[5] ?? '', 'base64url') }
}

/** Is it a stored password, `scrypt$N$r$p$salt$key`, with parameters that this server would run? */
export function isPasswordHash(text: string): boolean {
  return readStored(text) !== null
}

/** @returns `scrypt$16384$8$1$<base64url salt>$<base64url key>` with a fresh salt. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password, salt, KEY_BYTES, PARAMETERS)
  const { n, r, p } = PARAMETERS
  return ['scrypt', n, r, p, salt.toString('base64url'), key.toString('base64url')].join('$')
}

/** Does the password belong to the stored string? An unreadable stored string belongs to no password. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const expected = readStored(stored)
  if (!expected) return false
  const key = await derive(password, expected.salt, expected.key.length, expected)
  return timingSafeEqual(key, expected.key)
}

const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const TOKEN = /^(cmty_[A-Za-z0-9]{8})_[A-Za-z0-9]{43}$/

function random62(length: number): string {
  let text = ''
  for (let i = 0; i < length; i++) text += BASE62[randomInt(BASE62.length)]
  return text
}

/**
 * A new API token, `cmty_` + 8 characters that may be shown + `_` + 43 secret ones (256 bits).
 * The fixed form lets secret scanners find a leaked one.
 */
export function newToken(): { value: string; prefix: string } {
  const prefix = `cmty_${random62(8)}`
  return { value: `${prefix}_${random62(43)}`, prefix }
}

/** The part of a token in our own format that lists may show; null for any other form. */
export function tokenPrefix(value: string): string | null {
  return TOKEN.exec(value)?.[1] ?? null
}

/** Hex of the SHA-256 of a token: what a topology file may carry as `value_hash`. */
export function tokenDigest(value: string): string {
  return createHash('sha256').update(value).digest('hex')
}

/** What the database stores of a token: a copy of the table alone does not let anyone test guesses. */
export function keyedHash(key: Buffer, sha256Hex: string): Buffer {
  return createHmac('sha256', key).update(Buffer.from(sha256Hex, 'hex')).digest()
}

/** Belongs to no password: what an unknown principal's password is compared with, so that it takes as long. */
export const dummyHash: string = [
  'scrypt',
  PARAMETERS.n,
  PARAMETERS.r,
  PARAMETERS.p,
  randomBytes(16).toString('base64url'),
  randomBytes(KEY_BYTES).toString('base64url'),
].join('$')
