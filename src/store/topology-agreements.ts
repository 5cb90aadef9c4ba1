/** Agreements, domestic rules and the baseline, brought to what is declared; those that parties made stay. */
import type { DeclaredTopology } from '../policy/declared.ts'
import type { Agreement } from '../policy/model.ts'
import { formatMicros, type Micros } from '../time.ts'
import { sql } from './sql.ts'
import { differences, drop, type Run } from './topology-diff.ts'
import { micros } from './topology-read.ts'

/** Who signs what a file declares as signed. */
export const FILE = 'comity apply'

interface Signature {
  side: string
  by: string
  at: number
}

type Row = Agreement & { id: string; signatures: Signature[]; endedAt: Micros | null; endedBy: string | null }

const pair = (a: Agreement) => `${a.source} -> ${a.target}`
const readable = (a: Agreement) => ({
  source: a.source,
  target: a.target,
  maxTlp: a.maxTlp,
  recipients: a.recipients,
  clients: a.clients,
  validFrom: a.validFrom === null ? null : formatMicros(a.validFrom),
  validUntil: a.validUntil === null ? null : formatMicros(a.validUntil),
  signed: [...a.signed],
})
const differ = (before: Agreement, after: Agreement) => differences(readable(before), readable(after))
/** Everything but who has signed. */
const terms = (a: Agreement): Agreement => ({ ...a, signed: [] })

/**
 * What a declared agreement comes to beside a stored one: parties may have signed by themselves, which holds for the
 * terms that they signed and no others.
 */
function joined(row: Row, declared: Agreement): Agreement {
  if (differ(terms(row), terms(declared)) !== '') return declared
  const own = row.signatures.filter((s) => s.by !== FILE).map((s) => s.side)
  return { ...declared, signed: [...new Set([...declared.signed, ...own])] }
}

/** A party has ended it: it stays so, until the file declares other terms. */
const sameButEnded = (row: Row, a: Agreement) =>
  row.endedAt !== null && differ(terms({ ...row, validUntil: a.validUntil }), terms(a)) === ''

/**
 * An agreement of a file has no name: it is known by its two sides, and among equal ones by what it says, then by
 * position. Each stored one that says the same stays; of what is left, the first declared takes the place of the first
 * stored. Agreements that parties or commands made are no part of this.
 */
export async function syncAgreements(run: Run, declared: readonly Agreement[]): Promise<void> {
  const stored = (
    await run.rows<Row>(
      sql`select id::text, source, target, max_tlp as "maxTlp", recipients, clients, valid_from::text as "validFrom",
        valid_until::text as "validUntil", signed, signatures, ended_at::text as "endedAt", ended_by as "endedBy"
        from agreement where declared order by agreement.id`,
    )
  ).map(
    (row): Row => ({
      ...row,
      validFrom: micros(row.validFrom),
      validUntil: micros(row.validUntil),
      endedAt: micros(row.endedAt),
    }),
  )
  const free = new Set(stored)
  const open: Agreement[] = []
  for (const agreement of declared) {
    const same = [...free].find((row) => row.endedAt === null && differ(row, joined(row, agreement)) === '')
    const ended = same ?? [...free].find((row) => sameButEnded(row, agreement))
    if (!ended) {
      open.push(agreement)
      continue
    }
    free.delete(ended)
    if (ended.endedAt !== null) {
      run.note(
        `agreement ${pair(ended)} stays ended: ${ended.endedBy} ended it on ${formatMicros(ended.endedAt).slice(0, 10)}; take it out of the file, or declare other terms`,
      )
    }
  }
  for (const a of open) {
    const before = [...free].find((row) => row.endedAt === null && pair(row) === pair(a))
    const after = before ? joined(before, a) : a
    const old = before && after !== a ? before.signatures.filter((s) => s.by !== FILE) : []
    const signatures = JSON.stringify([
      ...old,
      ...after.signed
        .filter((side) => !old.some((s) => s.side === side))
        .map((side) => ({ side, by: FILE, at: Number(run.now) })),
    ])
    if (before) {
      free.delete(before)
      await run.rows(sql`update agreement set max_tlp = ${a.maxTlp}, recipients = ${a.recipients}, clients = ${a.clients},
        valid_from = ${a.validFrom}::bigint, valid_until = ${a.validUntil}::bigint, signed = ${after.signed}::text[],
        signatures = ${signatures}::jsonb, changed = ${run.now}::bigint where id = ${before.id}::bigint`)
      run.changes.push({ action: 'change', kind: 'agreement', name: pair(a), detail: differ(before, after) })
    } else {
      await run.rows(sql`insert into agreement (source, target, max_tlp, recipients, clients, valid_from, valid_until, signed,
          signatures, created, changed, declared)
        values (${a.source}, ${a.target}, ${a.maxTlp}, ${a.recipients}, ${a.clients}, ${a.validFrom}::bigint,
          ${a.validUntil}::bigint, ${a.signed}::text[], ${signatures}::jsonb, ${run.now}::bigint, ${run.now}::bigint, true)`)
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
