/**
 * Deletes what stands beside the objects and is not one reader's to know: where hidden rows were, deliveries, ledger
 * entries, recalls, requests for release and schedules (policy.md §13). After purge.ts has deleted the objects.
 */
import type pg from 'pg'
import type { AudienceRecord, Subject, Tlp } from '../../src/policy/model.ts'
import { decodeRuns, stretchOf } from '../../src/store/runs.ts'
import type { Micros } from '../../src/time.ts'
import { mayRead } from '../matrix/reference.ts'
import type { PlainStore } from './plain-store.ts'

const LEVELS: readonly Tlp[] = ['clear', 'green', 'amber', 'amber+strict', 'red']

/** The owner's connection, and who reads. */
interface Eyes {
  client: pg.Client
  me: string
  own: string
  /** A custodian that sees its organization's whole chain (docs/policy-parts/ledger.md). */
  chain: boolean
  /** Id of the capped token that it reads by; null: all that the principal has is its own. */
  token: string | null
}

export async function purgeAnswers(
  client: pg.Client,
  store: PlainStore,
  reader: Subject | null,
  now: Micros,
): Promise<void> {
  const me = reader?.principal.id ?? ''
  const token = await client.query(`select id from token where principal = $1 and name = 'capped'`, [me])
  const eyes: Eyes = {
    client,
    me,
    own: reader?.organization.id ?? '',
    chain: seesChain(store, reader),
    token: reader === null || reader.cap === null ? null : String(token.rows[0]?.id),
  }
  // Entries and heads refuse any change otherwise; nothing else here hangs on a trigger.
  await client.query(`set session_replication_role = replica`)
  await purgeFormer(client, store, reader, now)
  await client.query(
    `create temp table visible as
      select collection, position, object_id, accepted, audience from item where collection = any ($1) and organization = $2
      union all select collection, position, object_id, accepted, audience from former where organization = $2`,
    [await readable(client, store, reader), eyes.own],
  )
  await purgeLedger(eyes)
  if (!eyes.chain) await cutAnew(eyes)
  await purgeCauses(eyes, reader)
  const { rows: audiences } = await client.query('select id, record from audience')
  const admitted = new Set<number>(
    (audiences as { id: number; record: AudienceRecord }[])
      .filter(({ record }) => mayRead(store.topology, reader, record, now))
      .map(({ id }) => id),
  )
  await purgeRecalledCopies(eyes, admitted, reader)
  await purgeRecalledAudiences(eyes, [...admitted])
  await purgeRecalls(eyes, reader)
  await purgeReleases(eyes)
  await client.query('delete from quarantined where principal <> $1', [me])
  await client.query('drop table visible')
  await client.query(`set session_replication_role = origin`)
}

/** "A person, with clearance RED, by a credential without `max_tlp`", who is custodian. */
function seesChain(store: PlainStore, reader: Subject | null): boolean {
  if (reader === null || reader.cap !== null) return false
  const { principal, organization } = reader
  const country = store.topology.countries.get(organization.country)
  const ceilings = [principal.clearance, organization.clearance, country?.clearance]
  return (
    principal.kind === 'person' &&
    principal.custodian &&
    ceilings.every((level) => !level || level === LEVELS.at(-1))
  )
}

async function readable(client: pg.Client, store: PlainStore, reader: Subject | null): Promise<number[]> {
  const { rows } = await client.query('select seq, id::text from collection')
  return rows.filter(({ id }) => store.rights(reader, id)?.read).map(({ seq }) => seq as number)
}

/** Who may not see a row may not see where it was. */
async function purgeFormer(
  client: pg.Client,
  store: PlainStore,
  reader: Subject | null,
  now: Micros,
): Promise<void> {
  const open = await readable(client, store, reader)
  const { rows } = await client.query(`select distinct f.organization, f.audience, a.record
    from former f join audience a on a.id = f.audience`)
  await client.query('delete from former where not (collection = any ($1))', [open])
  for (const { organization, audience, record } of rows as {
    organization: string
    audience: number
    record: AudienceRecord
  }[]) {
    if (mayRead(store.topology, reader, { origin: organization, ...record }, now)) continue
    await client.query('delete from former where organization = $1 and audience = $2', [
      organization,
      audience,
    ])
  }
}

const HOLDS = `exists (select from runs_of(e.first, e.runs) r join visible v on v.collection = e.collection
  and v.position between r.low and r.high and (v.position - r.low) % r.step = 0)`

/** One's own organization's deliveries of what one may see, and what was delivered to oneself, are left. */
async function purgeLedger({ client, me, own, chain }: Eyes): Promise<void> {
  await client.query(
    `delete from ledger_entry e where principal <> $1
      and not (organization = $2 and ($3 or ${HOLDS}))`,
    [me, own, chain],
  )
  await client.query('delete from ledger_head where not (organization = $1 and $2)', [own, chain])
  // The end of a chain is numbers only; of those with entries it is needed to go on.
  await client.query(
    `delete from ledger_chain where organization <> $1 and organization not in (select organization from ledger_entry)`,
    [own],
  )
  await client.query(
    `update delivery d set parts = (select coalesce(jsonb_agg(p), '[]') from jsonb_array_elements(d.parts) p
        where p ->> 'organization' = $2) where principal <> $1 and parts is not null`,
    [me, own],
  )
  await client.query(
    `update delivery d set (positions, audiences) = (select coalesce(array_agg(u.position order by u.n), '{}'),
          coalesce(array_agg(u.audience order by u.n), '{}')
        from unnest(d.positions, d.audiences) with ordinality as u (position, audience, n)
        join visible v on v.collection = d.collection and v.position = u.position)
      where principal <> $1 and parts is null`,
    [me],
  )
  await client.query(`delete from delivery where parts = '[]' or positions = '{}'`)
}

/**
 * To who does not see the chain it must not matter how deliveries are cut into entries and in which order these are: here
 * every page is an entry of its own, what is visible of it and what was one's own apart, in no order that means anything.
 */
async function cutAnew({ client, own, me }: Eyes): Promise<void> {
  const { rows } = await client.query(
    `select e.*, encode(e.runs, 'hex') as hex, array(select v.position::text from answers_of(e.at, e.pages, e.first, e.runs) a
        join visible v on v.collection = e.collection and v.position between a.low and a.high and (v.position - a.low) % a.step = 0) as seen,
      array(select a.at || ' ' || (a.high - a.low) / a.step + 1 from answers_of(e.at, e.pages, e.first, e.runs) a) as runs_at
     from ledger_entry e where organization = $1 order by md5(e.seq::text)`,
    [own],
  )
  await client.query('delete from ledger_entry where organization = $1', [own])
  let seq = 0
  for (const row of rows) {
    const seen = new Set<string>(row.seen)
    const places = decodeRuns(Number(row.first), Buffer.from(row.hex, 'hex'))
    const parts = new Map<string, number[]>()
    for (const text of row.runs_at as string[]) {
      const [at, count] = text.split(' ')
      for (const place of places.splice(0, Number(count))) {
        const visible = seen.has(String(place))
        if (!visible && row.principal !== me) continue
        const part = parts.get(`${at} ${visible}`) ?? []
        parts.set(`${at} ${visible}`, part)
        part.push(place)
      }
    }
    for (const [key, positions] of parts) {
      const at = key.split(' ')[0]
      const { count, first, last, runs } = stretchOf(positions)
      await client.query(
        `insert into ledger_entry select (jsonb_populate_record(e, jsonb_build_object('seq', $2::bigint, 'at', $3::bigint,
            'until', $3::bigint, 'count', $4::int, 'first', $5::bigint, 'last', $6::bigint, 'runs', '\\x' || $7::text,
            'pages', '\\x00' || encode(leb128($4::int), 'hex')))).*
          from jsonb_populate_record(null::ledger_entry, $1::jsonb) e`,
        [JSON.stringify(plain(row)), ++seq, at, count, first, last, runs],
      )
    }
  }
  await client.query('update ledger_chain set seq = $2, headed = 0, day = -1 where organization = $1', [
    own,
    seq,
  ])
}

/** A row as JSON that the database reads back. */
function plain(row: Record<string, unknown>): Record<string, unknown> {
  const bytes = (value: unknown) => (Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : value)
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key,
      typeof value === 'bigint' ? String(value) : bytes(value),
    ]),
  )
}

/**
 * A recall of the reader's own row that follows from what is hidden from it is not for it. Of others' rows it need not know
 * who submitted them, nor what these were told of.
 */
async function purgeCauses({ client, me }: Eyes, reader: Subject | null): Promise<void> {
  if (allRecalls(reader)) return
  const hidden = `(a.author = $1 and coalesce(u.place = any (r.untold), false))`
  await client.query(
    `update recall_notice n set places = x.places, times = x.times, fetched = coalesce(x.fetched, 0), versions = coalesce(x.versions, '{}')
      from (
        select m.recall, m.token, coalesce(array_agg(u.place) filter (where not ${hidden}), '{}') as places,
          coalesce(array_agg(u.at) filter (where not ${hidden}), '{}') as times, min(u.at) filter (where not ${hidden}) as fetched,
          array_agg(distinct a.version) filter (where not ${hidden}) as versions
        from recall_notice m join recall r on r.id = m.recall cross join lateral unnest(m.places, m.times) as u (place, at)
        join lateral unnest(r.places, r.versions, r.authors) as a (place, version, author) on a.place = u.place
        where m.principal = $1 and r.untold is not null group by 1, 2
      ) x where n.principal = $1 and n.recall = x.recall and n.token = x.token`,
    [me],
  )
  await client.query(`delete from recall_notice where principal = $1 and places = '{}' and versions = '{}'`, [
    me,
  ])
  await client.query(
    `update recall r set ${placesWhere('not (u.author = $1 and coalesce(u.place = any (r.untold), false))')}
      where untold is not null`,
    [me],
  )
  await client.query(
    `update recall set untold = null, authors = array(select case when a = $1 then a else '' end
        from unnest(authors) with ordinality as u (a, n) order by n) where authors is not null`,
    [me],
  )
}

/** Of `recall r` what it says of the places `u.place` for which this is so. */
const placesWhere = (kept: string) => `(places, versions, audiences, authors) = (
  select coalesce(array_agg(u.place order by u.place), '{}'), coalesce(array_agg(u.version order by u.place), '{}'),
    case when r.audiences is not null then coalesce(array_agg(u.audience order by u.place), '{}') end,
    case when r.authors is not null then coalesce(array_agg(u.author order by u.place), '{}') end
  from unnest(r.places, r.versions, r.audiences, r.authors) as u (place, version, audience, author) where ${kept})`

/** Under which audiences that do not admit the reader rows were recalled is nothing that it is told of. */
async function purgeRecalledAudiences({ client }: Eyes, admitted: readonly number[]): Promise<void> {
  await client.query(
    `update recall set audiences = array(
        select case when a = any ($1::int[]) then a else 0 end from unnest(audiences) with ordinality as u (a, n) order by n)
      where audiences is not null`,
    [admitted],
  )
}

/** What `recall.copies` says of one place (migrations/0017_recalled_copies.sql). */
interface Recopied {
  was: Copy[]
  now: Copy[]
}

interface Copy {
  audience: number
  rank: number
  hash: string
  lost?: boolean
}

/**
 * Of the copies of what was recalled the reader's own are left: the one that it had, and the one that it has then. What
 * became stricter in others' copies does not exist for it, so neither does the recall (policy.md §5, §13): but of what it
 * submitted, of which it is told what it knows.
 */
async function purgeRecalledCopies(
  { client, me }: Eyes,
  admitted: ReadonlySet<number>,
  reader: Subject | null,
): Promise<void> {
  const own = (copies: readonly Copy[]) =>
    copies
      .filter(({ audience }) => admitted.has(audience))
      .sort((a, b) => b.rank - a.rank || a.audience - b.audience)
      .slice(0, 1)
  // A capped token does not see all of what its owner submitted.
  const whole = reader?.cap === null ? me : null
  const { rows } = await client.query('select id, copies from recall where copies is not null')
  for (const { id, copies } of rows as { id: string; copies: Record<string, Recopied> }[]) {
    const left = Object.entries(copies).map(
      ([place, { was, now }]) => [place, { was: own(was), now: own(now) }] as const,
    )
    const same = left.filter(([, { was, now }]) => was[0]?.lost !== true && was[0]?.hash === now[0]?.hash)
    await client.query(
      `update recall r set copies = $2, ${placesWhere('$4 or coalesce(u.author = $5, false) or u.place <> all ($3)')} where id = $1`,
      [id, JSON.stringify(Object.fromEntries(left)), same.map(([place]) => place), allRecalls(reader), whole],
    )
  }
}

/** A custodian sees all recalls of its organization's objects as they are. */
const allRecalls = (reader: Subject | null) =>
  reader?.principal.kind === 'person' && reader.principal.custodian && reader.cap === null

/** Left are one's own notices, and recalls of visible objects with who received what is visible of them. */
async function purgeRecalls({ client, me, own, token }: Eyes, reader: Subject | null): Promise<void> {
  const all = reader?.principal.custodian === true && reader.cap === null
  const person = reader?.principal.kind === 'person'
  const mine = `n.principal = $1 and ($2::text is null or n.token = $2)`
  const seen = `array(select r.versions[i] from generate_subscripts(r.places, 1) i join visible v
    on v.collection = r.collection and v.position = r.places[i])`
  await client.query(
    `delete from recall_notice n using recall r where r.id = n.recall and not (${mine})
      and not (r.organization = $3 and $4 and ($5 or n.versions && ${seen}))`,
    [me, token, own, person, all],
  )
  // A recall that is not spread yet is looked through when it is asked for, for what one received oneself.
  await client.query(
    `delete from recall r where not exists (select from recall_notice n where n.recall = r.id and ${mine})
      and not (r.organization = $3 and $4 and ($5 or ${seen} <> '{}'))
      and not exists (select from ledger_entry e where e.principal = $1 and e.collection = r.collection
        and e.revision < r.revision and e.organization = r.organization)
      and not exists (select from delivery d where d.principal = $1 and d.collection = r.collection
        and d.revision < r.revision)`,
    [me, token, own, person, all],
  )
}

/** One's own requests and schedules are left, and those about one's organization's objects that one sees. */
async function purgeReleases({ client, me, own, token }: Eyes): Promise<void> {
  await client.query(
    `delete from release_request_to a where not (organization = $1 and exists (select from visible v
      where v.collection = a.collection and v.object_id = a.object_id
        and (a.accepted is null or v.accepted = any (a.accepted))))`,
    [own],
  )
  await client.query(
    `delete from release_request where principal <> $1 and id not in (select request from release_request_to)`,
    [me],
  )
  await client.query(
    `delete from release_schedule s where not (organization = $1 and ((principal = $2 and $3::text is null)
      or exists (select from visible v where v.collection = s.collection and v.object_id = s.object_id
        and v.accepted = any (s.accepted))))`,
    [own, me, token],
  )
  await client.query('delete from release_step where schedule not in (select id from release_schedule)')
}
