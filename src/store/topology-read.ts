/** Reads who is who and what they agreed on, as the policy sees it; on the application's connection or the owner's. */
import type {
  Agreement,
  Baseline,
  Country,
  Organization,
  Principal,
  Topology,
  Veto,
} from '../policy/model.ts'
import type { Micros } from '../time.ts'
import type { Database } from './pool.ts'
import { sql } from './sql.ts'

/** A bigint column, which a connection of the owner gives as text. */
export function micros(value: Micros | string): Micros
export function micros(value: Micros | string | null): Micros | null
export function micros(value: Micros | string | null): Micros | null {
  return value === null ? null : BigInt(value)
}

const valid = <T extends { validFrom: Micros | null; validUntil: Micros | null }>(row: T): T => ({
  ...row,
  validFrom: micros(row.validFrom),
  validUntil: micros(row.validUntil),
})

/** Nothing is known of the time before the column was there. */
const dated = <T extends { changed?: Micros }>({
  changed,
  ...row
}: T): Omit<T, 'changed'> & { changed?: Micros } => {
  const at = micros(changed ?? 0n)
  return at === 0n ? row : { ...row, changed: at }
}

/** What has ended by the word of a party is not part of it. */
export async function readTopology(db: Database): Promise<Topology> {
  const countries = await db.rows<Country>(
    sql`select code, clearance, adhoc_release as "adhocRelease" from country`,
  )
  const organizations = await db.rows<Organization & { clients: string[] }>(
    sql`select id, name, country, kind, clearance, clients, changed from organization`,
  )
  const communities = await db.rows<{ id: string; title: string; members: string[]; changed: Micros }>(
    sql`select id, title, members, changed from community`,
  )
  const principals = await db.rows<Principal>(
    sql`select id, organization, kind, clearance, custodian, active, changed from principal`,
  )
  const agreements =
    await db.rows<Agreement>(sql`select source, target, max_tlp as "maxTlp", recipients, clients,
      valid_from as "validFrom", valid_until as "validUntil", signed, changed from agreement where ended_at is null order by id`)
  const vetoes =
    await db.rows<Veto>(sql`select id::text, country, organization as by, to_countries as "to", level,
      named, valid_from as "validFrom", valid_until as "validUntil" from veto where ended_at is null order by seq`)
  const out = await db.rows<{ who: string }>(sql`select who from opt_out where ended_at is null`)
  const [baseline] = await db.rows<{ maxTlp: Baseline['maxTlp']; members: string[] | null }>(
    sql`select max_tlp as "maxTlp", members from baseline`,
  )
  return {
    countries: new Map(countries.map((c) => [c.code, c])),
    organizations: new Map(organizations.map((o) => [o.id, { ...dated(o), clients: new Set(o.clients) }])),
    communities: new Map(communities.map((c) => [c.id, { ...dated(c), members: new Set(c.members) }])),
    principals: new Map(principals.map((p) => [p.id, { ...p, changed: micros(p.changed) }])),
    agreements: agreements.map((a) => dated(valid(a))),
    vetoes: vetoes.map(valid),
    baseline: {
      maxTlp: baseline?.maxTlp ?? 'clear',
      members: baseline?.members ? new Set(baseline.members) : baseline ? null : new Set(),
      optedOut: new Set(out.map((o) => o.who)),
    },
  }
}
