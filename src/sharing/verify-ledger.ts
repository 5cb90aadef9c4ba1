/** Computes the whole delivery ledger anew: every hash, every link, every root, every signature (policy.md §13). */
import { createPublicKey, verify } from 'node:crypto'
import {
  type ChainEnd,
  readChain,
  readChainEnds,
  readHeadsOf,
  type StoredEntry,
} from '../store/ledger-audit.ts'
import type { Database } from '../store/pool.ts'
import { entryHash } from '../taxii/ledger-entry.ts'
import { dayName, headText } from '../taxii/ledger-head.ts'
import { treeOf } from '../taxii/ledger-tree.ts'

export interface Verdict {
  organization: string
  entries: number
  heads: number
  /** Entries that no head has signed yet. */
  unsigned: number
  /** What is wrong first, and where; null = nothing. */
  broken: string | null
}

const GENESIS = '00'.repeat(32)
const DAY = 86_400_000_000n

/**
 * @param pem public key of the exchange
 * @param organization only its chain
 */
export async function verifyLedger(
  db: Database,
  pem: string,
  organization: string | null,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (const end of await readChainEnds(db, organization)) verdicts.push(await verifyChain(db, pem, end))
  return verdicts
}

async function verifyChain(db: Database, pem: string, end: ChainEnd): Promise<Verdict> {
  const { organization } = end
  const heads = await readHeadsOf(db, organization)
  const verdict: Verdict = { organization, entries: 0, heads: heads.length, unsigned: 0, broken: null }
  const broken = (what: string) => ({ ...verdict, broken: what })
  const key = createPublicKey(pem)
  let previous = GENESIS
  let next = 1n
  let head = 0
  let day: { hashes: Buffer[]; objects: bigint } = { hashes: [], objects: 0n }
  let sealed = 0n
  const wrong = (entry: StoredEntry): string | null => {
    if (entry.seq !== next) return `entry ${next} is missing`
    if (entry.previous !== previous) return `entry ${entry.seq} does not follow the one before it`
    if (entryHash(organization, entry) !== entry.hash) return `entry ${entry.seq} has been changed`
    if (entry.sealed < sealed) return `entry ${entry.seq} was sealed before the one before it`
    return null
  }
  for await (const entry of readChain(db, organization)) {
    const problem = wrong(entry)
    if (problem) return broken(problem)
    verdict.entries++
    previous = entry.hash
    sealed = entry.sealed
    next++
    const signed = heads[head]
    if (!signed) {
      verdict.unsigned++
      continue
    }
    const within = BigInt(signed.day) * DAY <= entry.sealed && entry.sealed < BigInt(signed.day + 1) * DAY
    if (!within) return broken(`entry ${entry.seq} is not of ${dayName(signed.day)}, whose head has it`)
    day.hashes.push(Buffer.from(entry.hash, 'hex'))
    day.objects += BigInt(entry.count)
    if (entry.seq < signed.last) continue
    const name = `the head of ${dayName(signed.day)}`
    const first = entry.seq - BigInt(day.hashes.length) + 1n
    if (signed.first !== first || signed.last !== entry.seq || signed.objects !== day.objects) {
      return broken(`${name} counts otherwise`)
    }
    if (!signed.hash.equals(Buffer.from(entry.hash, 'hex'))) return broken(`${name} ends in another entry`)
    const { root } = await treeOf(day.hashes)
    if (!root.equals(signed.root)) return broken(`${name} has another root`)
    if (!verify(null, Buffer.from(headText(signed)), key, signed.signature)) {
      return broken(`${name} has a wrong signature`)
    }
    day = { hashes: [], objects: 0n }
    head++
  }
  if (head < heads.length) return broken(`entry ${next} is missing, and a head has signed it`)
  if (end.seq !== next - 1n || end.hash !== previous) return broken(`entry ${next} is missing at the end`)
  return verdict
}
