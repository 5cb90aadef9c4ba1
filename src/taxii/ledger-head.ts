/** Signed heads of the ledger: once a UTC day is over, what it sealed of each chain is signed (policy.md §13). */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { AppError } from '../errors.ts'
import { entryHashes, headsDue, keepHead } from '../store/deliveries.ts'
import { formatMicros } from '../time.ts'
import type { Exchange } from './exchange.ts'
import { treeOf } from './ledger-tree.ts'

/** What a head says. */
export interface HeadTerms {
  organization: string
  /** Days since 1970. */
  day: number
  first: bigint
  last: bigint
  objects: bigint
  root: Buffer
  hash: Buffer
}

/** `2026-11-25` of a number of days since 1970. */
export function dayName(day: number): string {
  return formatMicros(BigInt(day) * 86_400_000_000n).slice(0, 10)
}

/** The text that is signed. */
export function headText(head: HeadTerms): string {
  const { organization, day, first, last, objects, root, hash } = head
  return [
    'comity-ledger-head/1',
    organization,
    dayName(day),
    first,
    last,
    objects,
    root.toString('hex'),
    hash.toString('hex'),
  ].join('\n')
}

/** The exchange's public key (SPKI) and the name that heads call it by. */
export function ledgerKey(settings: ReadonlyMap<string, string>): {
  secret: KeyObject
  pem: string
  name: string
} {
  const hex = settings.get('ledger_key')
  if (hex === undefined) throw new AppError('internal', { detail: 'there is no ledger_key' })
  const secret = createPrivateKey({ key: Buffer.from(hex, 'hex'), format: 'der', type: 'pkcs8' })
  const open = createPublicKey(secret)
  const der = open.export({ format: 'der', type: 'spki' })
  return {
    secret,
    pem: String(open.export({ format: 'pem', type: 'spki' })),
    name: createHash('sha256').update(der).digest('hex'),
  }
}

/** Signs the heads that are due; @returns how many */
export async function signHeads(exchange: Exchange): Promise<number> {
  let count = 0
  for (const due of await headsDue(exchange.pool, exchange.clock.now())) {
    const key = ledgerKey(exchange.world.settings)
    const hashes = entryHashes(exchange.pool, due.organization, due.first, due.last)
    const { root } = await treeOf(hashes)
    const signature = sign(null, Buffer.from(headText({ ...due, root })), key.secret)
    const signed = exchange.clock.now()
    if (await keepHead(exchange.pool, { ...due, root, signed, key: key.name, signature })) count++
  }
  return count
}
