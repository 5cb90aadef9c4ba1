/**
 * Deletes what stands beside the objects and is not one reader's to know: where hidden rows were, deliveries, ledger
 * entries, recalls, requests for release and schedules (policy.md §13). After purge.ts has deleted the objects.
 */
import type pg from 'pg'
import type { AudienceRecord, Subject, Tlp } from '../../src/policy/model.ts'
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
      select collection, position, object_id, accepted from item where collection = any ($1) and organization = $2
      union all select collection, position, object_id, accepted from former where organization = $2`,
    [await readable(client, store, reader), eyes.own],
  )
  await purgeLedger(eyes)
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
        where p ->> 'organization' = $2) where principal <> $1`,
    [me, own],
  )
  await client.query(`delete from delivery where parts = '[]'`)
}

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
