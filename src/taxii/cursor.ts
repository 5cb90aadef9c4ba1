/** `next`: opaque, authenticated, bound to who asks for what (D-4); the same on every node and after a restart. */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import { AppError } from '../errors.ts'
import type { Micros } from '../time.ts'

/** Where a walk stands. */
export interface Position {
  /** Position of the last item sent. */
  after: Micros
  /** The walk's own added_after, which goes on choosing versions (T-3.4.1-10). */
  addedAfter: Micros | null
}

/** Endpoint, collection, filters and subject that a cursor belongs to. */
export type Binding = readonly (string | number)[]

const VERSION = 1
const IV = 12
const TAG = 16
const NONE = -1n << 62n

/** Seals a position. Equal input gives equal output: what a reader sees depends on nothing else. */
export function sealCursor(key: Buffer, position: Position, binding: Binding): string {
  const plain = Buffer.alloc(16)
  plain.writeBigInt64BE(position.after, 0)
  plain.writeBigInt64BE(position.addedAfter ?? NONE, 8)
  const aad = Buffer.from(JSON.stringify(binding))
  const iv = createHmac('sha256', key).update('iv').update(plain).update(aad).digest().subarray(0, IV)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(aad)
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([Buffer.from([VERSION]), iv, cipher.getAuthTag(), sealed]).toString('base64url')
}

/**
 * Opens a cursor with one of the keys (the current one first, then those that rotation left valid).
 * @throws badParameter for anything that was not sealed for exactly this binding
 */
export function openCursor(keys: readonly Buffer[], text: string, binding: Binding): Position {
  const bytes = Buffer.from(text, 'base64url')
  const wellFormed =
    bytes.length === 1 + IV + TAG + 16 && bytes[0] === VERSION && bytes.toString('base64url') === text
  if (wellFormed) {
    for (const key of keys) {
      const plain = open(key, bytes, Buffer.from(JSON.stringify(binding)))
      if (!plain) continue
      const addedAfter = plain.readBigInt64BE(8)
      return { after: plain.readBigInt64BE(0), addedAfter: addedAfter === NONE ? null : addedAfter }
    }
  }
  throw new AppError('badParameter', {
    detail: 'next is not a value that this server gave you for this query; start again without it.',
  })
}

/** The current key first, then those that a rotation left valid. */
export function cursorKeys(settings: ReadonlyMap<string, string>): Buffer[] {
  const keys = [settings.get('cursor_key'), settings.get('cursor_key_previous')]
  return keys.filter((key) => key !== undefined).map((key) => Buffer.from(key, 'hex'))
}

function open(key: Buffer, bytes: Buffer, aad: Buffer): Buffer | null {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + IV), { authTagLength: TAG })
  decipher.setAAD(aad)
  decipher.setAuthTag(bytes.subarray(1 + IV, 1 + IV + TAG))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(1 + IV + TAG)), decipher.final()])
  } catch {
    return null
  }
}
