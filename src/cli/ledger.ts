/** `comity ledger`: verify the delivery ledger, write it out, print the public key of its heads. */
import { Refusal } from '../errors.ts'
import { verifyLedger } from '../sharing/verify-ledger.ts'
import { overClient } from '../store/client.ts'
import { countUnsealed, readChain, readChainEnds, readHeadsOf, readSettings } from '../store/ledger-audit.ts'
import type { Database } from '../store/pool.ts'
import { entryText } from '../taxii/ledger-entry.ts'
import { headText, ledgerKey } from '../taxii/ledger-head.ts'
import { type CliContext, EXIT } from './context.ts'
import { didYouMean } from './near.ts'
import { table } from './table.ts'

export interface LedgerCommand {
  organization?: string
  json: boolean
}

/** @returns 1 when something is broken */
export async function verifyCommand(
  context: CliContext,
  { organization, json }: LedgerCommand,
): Promise<number> {
  const { verdicts, unsealed } = await onLedger(context, organization, async (db, pem) => ({
    verdicts: await verifyLedger(db, pem, organization ?? null),
    unsealed: await countUnsealed(db),
  }))
  const bad = verdicts.filter((v) => v.broken !== null)
  if (json) context.out(JSON.stringify({ ok: bad.length === 0, unsealed, chains: verdicts }))
  else {
    const rows = verdicts.map((v) => [
      v.organization,
      String(v.entries),
      String(v.heads),
      String(v.unsigned),
      v.broken ?? 'ok',
    ])
    if (rows.length > 0) {
      for (const line of table([['ORGANIZATION', 'ENTRIES', 'HEADS', 'UNSIGNED', 'RESULT'], ...rows]))
        context.out(line)
    } else context.err('the ledger is empty')
    if (unsealed > 0) context.err(`${unsealed} answers are not sealed yet`)
  }
  return bad.length === 0 ? EXIT.ok : EXIT.failed
}

/** One line of JSON per entry and head: their texts, hashes and signatures, to keep and to verify elsewhere. */
export async function exportCommand(context: CliContext, { organization }: LedgerCommand): Promise<number> {
  const counts = await onLedger(context, organization, async (db) => {
    const found = { entries: 0, heads: 0 }
    for (const end of await readChainEnds(db, organization ?? null)) {
      for await (const entry of readChain(db, end.organization)) {
        const { seq, hash } = entry
        const text = entryText(end.organization, entry)
        context.out(JSON.stringify({ organization: end.organization, seq: Number(seq), text, hash }))
        found.entries++
      }
      for (const head of await readHeadsOf(db, end.organization)) {
        const signature = head.signature.toString('base64')
        context.out(
          JSON.stringify({ organization: head.organization, text: headText(head), key: head.key, signature }),
        )
        found.heads++
      }
    }
    return found
  })
  context.err(`${counts.entries} entries and ${counts.heads} signed heads`)
  return EXIT.ok
}

/** Prints the public key as PEM. */
export async function keyCommand(context: CliContext): Promise<number> {
  await onLedger(context, undefined, async (_db, pem) => context.out(pem.trimEnd()))
  return EXIT.ok
}

async function onLedger<T>(
  context: CliContext,
  organization: string | undefined,
  work: (db: Database, pem: string) => Promise<T>,
): Promise<T> {
  return await context.withOwner(async (client) => {
    const db = overClient(client)
    const settings = await readSettings(db)
    if (!settings.has('ledger_key')) {
      throw new Refusal('The database is not migrated: run comity migrate.', EXIT.database)
    }
    if (organization !== undefined) {
      const known = (await readChainEnds(db, null)).map((end) => end.organization)
      if (!known.includes(organization)) {
        const near = didYouMean(organization, known)
        throw new Refusal(`Nothing of "${organization}" has been delivered${near}.`, EXIT.usage)
      }
    }
    return await work(db, ledgerKey(settings).pem)
  })
}
