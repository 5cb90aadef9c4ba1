/** Vetoes and opt-outs, brought to what is declared; and what a file leaves of those that parties or commands made. */
import type { DeclaredVeto } from '../policy/declared.ts'
import { formatMicros, type Micros } from '../time.ts'
import { sql } from './sql.ts'
import { FILE } from './topology-agreements.ts'
import { differences, drop, type Run } from './topology-diff.ts'
import { micros } from './topology-read.ts'

type Row = DeclaredVeto & { id: string; endedAt: Micros | null; endedBy: string | null }

const readable = (v: DeclaredVeto) => ({
  validUntil: v.validUntil === null ? null : formatMicros(v.validUntil),
  reason: v.reason,
})

const sameVeto = (a: DeclaredVeto, b: DeclaredVeto) =>
  a.country === b.country &&
  a.by === b.by &&
  `${a.to}` === `${b.to}` &&
  a.level === b.level &&
  a.named === b.named &&
  a.validFrom === b.validFrom

/** `MY to DE, FR from amber, indicator--...`: what a list calls a veto. */
export function vetoName({ country, to, level, named }: DeclaredVeto): string {
  return [
    to ? `${country} to ${to.join(', ')}` : `${country} to all`,
    ...(level ? [`from ${level}`] : []),
    ...(named ? [named] : []),
  ].join(' ')
}

/** A veto is known by what it refuses, to whom, and from when on. What the authority has ended stays ended. */
export async function syncVetoes(run: Run, declared: readonly DeclaredVeto[]): Promise<void> {
  const stored = (
    await run.rows<Row>(
      sql`select id::text, country, organization as by, array(select unnest(to_countries) order by 1) as "to",
        level, named, valid_from::text as "validFrom", valid_until::text as "validUntil", reason,
        ended_at::text as "endedAt", ended_by as "endedBy", to_countries is null as everybody
      from veto where declared order by seq`,
    )
  ).map(
    (row): Row => ({
      ...row,
      to: (row as Row & { everybody: boolean }).everybody ? null : row.to,
      validFrom: micros(row.validFrom),
      validUntil: micros(row.validUntil),
      endedAt: micros(row.endedAt),
    }),
  )
  const free = new Set(stored)
  for (const veto of declared) {
    const before = [...free].find((row) => sameVeto(row, veto))
    if (!before) {
      await run.rows(sql`insert into veto (country, organization, to_countries, level, named, valid_from, valid_until, reason,
          spoken_by, created, declared, reached)
        values (${veto.country}, ${veto.by}, ${veto.to}::text[], ${veto.level}, ${veto.named}, ${veto.validFrom}::bigint,
          ${veto.validUntil}::bigint, ${veto.reason}, ${FILE}, ${run.now}::bigint, true, ${veto.named === null})`)
      run.changes.push({ action: 'add', kind: 'veto', name: vetoName(veto), detail: veto.reason })
      continue
    }
    free.delete(before)
    if (before.endedAt !== null) {
      run.note(
        `veto ${vetoName(before)} stays ended: ${before.endedBy} ended it on ${formatMicros(before.endedAt).slice(0, 10)}; take it out of the file, or add it with comity veto add`,
      )
      continue
    }
    const detail = differences(readable(before), readable(veto))
    if (detail === '') continue
    await run.rows(sql`update veto set valid_until = ${veto.validUntil}::bigint, reason = ${veto.reason}
      where id = ${before.id}::uuid`)
    run.changes.push({ action: 'change', kind: 'veto', name: vetoName(veto), detail })
  }
  if (!run.prune) return
  for (const row of free) {
    await drop(run, 'veto', vetoName(row), sql`delete from veto where id = ${row.id}::uuid`)
  }
}

/** One that a party made by itself counts as declared, and stays when the file drops it. */
export async function syncOptOuts(run: Run, declared: readonly string[]): Promise<void> {
  const stored = await run.rows<{ who: string; declared: boolean; endedAt: string | null; endedBy: string }>(
    sql`select distinct on (who) who, declared, ended_at::text as "endedAt", ended_by as "endedBy"
      from opt_out order by who, seq desc`,
  )
  const known = new Map(stored.map((row) => [row.who, row]))
  for (const who of declared) {
    const before = known.get(who)
    if (before && before.endedAt === null) continue
    if (before?.declared) {
      const day = formatMicros(BigInt(before.endedAt ?? 0)).slice(0, 10)
      run.note(
        `opt-out ${who} stays ended: ${before.endedBy} ended it on ${day}; take it out of the file, or add it with comity opt-out add`,
      )
      continue
    }
    await run.rows(sql`insert into opt_out (who, by, reason, at, declared)
      values (${who}, ${FILE}, 'declared in the topology file', ${run.now}::bigint, true)`)
    run.changes.push({ action: 'add', kind: 'opt-out', name: who })
  }
  if (!run.prune) return
  for (const { who } of stored.filter((row) => row.declared && !declared.includes(row.who))) {
    await drop(run, 'opt-out', who, sql`delete from opt_out where who = ${who} and declared`)
  }
}

/** What a removed side has signed is over: whoever gets its id one day has signed nothing. */
export async function endOrphans(run: Run): Promise<void> {
  const found = await run.rows<{ kind: string; name: string; id: string }>(sql`with side as (
      select id from organization union all select code from country union all select id from community
    )
    select 'agreement' as kind, source || ' -> ' || target as name, id::text as id from agreement
      where ended_at is null and not declared
        and not (exists (select from side where id = source) and exists (select from side where id = target))
    union all select 'veto', country, seq::text from veto
      where ended_at is null and not declared and not exists (select from side where id = country)
    union all select 'opt-out', who, seq::text from opt_out
      where ended_at is null and not declared and not exists (select from side where id = who)`)
  const end = sql`ended_at = ${run.now}::bigint, ended_by = ${FILE}, end_reason = 'a side of it was removed'`
  const until = sql`valid_until = least(coalesce(valid_until, ${run.now}::bigint), ${run.now}::bigint)`
  for (const { kind, name, id } of found) {
    await run.rows(
      kind === 'agreement'
        ? sql`update agreement set ${end}, ${until}, changed = ${run.now}::bigint where id = ${id}::bigint`
        : kind === 'veto'
          ? sql`update veto set ${end}, ${until} where seq = ${id}::bigint`
          : sql`update opt_out set ${end} where seq = ${id}::bigint`,
    )
    run.changes.push({ action: 'change', kind, name, detail: 'ended: a side of it was removed' })
  }
}

/** Says what is there beside what a file declares. */
export async function noteOthers(run: Run): Promise<void> {
  const [row] = await run.rows<{ agreements: number; vetoes: number; outs: number }>(sql`select
    (select count(*) from agreement where not declared and ended_at is null)::int as agreements,
    (select count(*) from veto where not declared and ended_at is null)::int as vetoes,
    (select count(*) from opt_out where not declared and ended_at is null)::int as outs`)
  const count = (n: number, one: string, many: string) => (n === 0 ? [] : [`${n} ${n === 1 ? one : many}`])
  const found = [
    ...count(row?.agreements ?? 0, 'agreement', 'agreements'),
    ...count(row?.vetoes ?? 0, 'veto', 'vetoes'),
    ...count(row?.outs ?? 0, 'opt-out', 'opt-outs'),
  ]
  if (found.length === 0) return
  run.note(`beside the file, made by parties or commands, and left as they are: ${found.join(', ')}`)
}
