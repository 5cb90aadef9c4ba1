/** Agreements, domestic rules and the baseline, brought to what is declared. */
import type { DeclaredTopology } from '../policy/declared.ts'
import type { Agreement } from '../policy/model.ts'
import { formatMicros, type Micros } from '../time.ts'
import { sql } from './sql.ts'
import { differences, drop, type Run } from './topology-diff.ts'

type Row = Agreement & { id: string }

const pair = (a: Agreement) => `${a.source} -> ${a.target}`
const readable = (a: Agreement) => ({
  ...a,
  validFrom: a.validFrom === null ? null : formatMicros(a.validFrom as Micros),
  validUntil: a.validUntil === null ? null : formatMicros(a.validUntil as Micros),
})
const differ = (before: Agreement, after: Agreement) => differences(readable(before), readable(after))

/**
 * An agreement has no name: it is known by its two sides, and among equal ones by what it says, then by position.
 * Each stored one that says the same stays; of what is left, the first declared takes the place of the first stored.
 */
export async function syncAgreements(run: Run, declared: readonly Agreement[]): Promise<void> {
  const stored = (
    await run.rows<Omit<Row, 'validFrom' | 'validUntil'> & { from: string | null; until: string | null }>(
      sql`select id::text, source, target, max_tlp as "maxTlp", recipients, clients, valid_from::text as from,
        valid_until::text as until, signed from agreement order by agreement.id`,
    )
  ).map(
    ({ from, until, ...row }): Row => ({
      ...row,
      validFrom: from === null ? null : BigInt(from),
      validUntil: until === null ? null : BigInt(until),
    }),
  )
  const free = new Set(stored)
  const open: Agreement[] = []
  for (const agreement of declared) {
    const same = [...free].find((row) => differ(row, agreement) === '')
    if (same) free.delete(same)
    else open.push(agreement)
  }
  for (const a of open) {
    const before = [...free].find((row) => pair(row) === pair(a))
    if (before) {
      free.delete(before)
      await run.rows(sql`update agreement set max_tlp = ${a.maxTlp}, recipients = ${a.recipients}, clients = ${a.clients},
        valid_from = ${a.validFrom}::bigint, valid_until = ${a.validUntil}::bigint, signed = ${a.signed}::text[]
        where id = ${before.id}::bigint`)
      run.changes.push({ action: 'change', kind: 'agreement', name: pair(a), detail: differ(before, a) })
    } else {
      await run.rows(sql`insert into agreement (source, target, max_tlp, recipients, clients, valid_from, valid_until, signed)
        values (${a.source}, ${a.target}, ${a.maxTlp}, ${a.recipients}, ${a.clients}, ${a.validFrom}::bigint,
          ${a.validUntil}::bigint, ${a.signed}::text[])`)
      run.changes.push({ action: 'add', kind: 'agreement', name: pair(a), detail: `max_tlp: ${a.maxTlp}` })
    }
  }
  if (!run.prune) return
  for (const row of free) {
    const detail = `max_tlp: ${row.maxTlp}`
    await drop(run, 'agreement', pair(row), sql`delete from agreement where id = ${row.id}::bigint`, detail)
  }
}

export async function syncBaseline(run: Run, declared: DeclaredTopology['baseline']): Promise<void> {
  const [stored] = await run.rows<DeclaredTopology['baseline']>(
    sql`select max_tlp as "maxTlp", members from baseline`,
  )
  const readable = (b: DeclaredTopology['baseline']) => ({ ...b, members: b.members ?? 'all' })
  const detail = stored ? differences(readable(stored), readable(declared)) : ''
  if (stored && detail === '') return
  await run.rows(sql`insert into baseline (max_tlp, members) values (${declared.maxTlp}, ${declared.members}::text[])
    on conflict (one) do update set max_tlp = excluded.max_tlp, members = excluded.members`)
  run.changes.push({ action: stored ? 'change' : 'add', kind: 'baseline', name: 'baseline', detail })
}
