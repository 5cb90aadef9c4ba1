/** Copies that may get other markings: what the transaction's reader sees of one object, with its text. */
import type { Database } from './pool.ts'
import { type Reader, readAs } from './session.ts'
import { sql } from './sql.ts'
import { copyOf } from './write-items.ts'

export interface Target {
  position: bigint
  accepted: bigint
  type: string
  spec: number
  sco: boolean
  version: string
  version_key: string
  organization: string
  principal: string
  standard: boolean
  /** Audiences: of its markings alone, and with what its references and its latest version need. */
  label: number
  audience: number
  /** SHA-256 of the content, in hex. */
  hash: string
  /** What the reader gets of it: without parts that it may not see, if it is parted. */
  body: string
  parted: boolean
}

/** Every copy of an object that the reader of this transaction sees, the oldest version first. */
export async function readTargets(
  db: Database,
  scope: string,
  collection: number,
  id: string,
): Promise<Target[]> {
  return await db.rows(sql`select position, accepted, type, spec, sco, version, version_key, organization, principal,
      standard, coalesce(marks, label) as label, audience, encode(coalesce(c.hash, i.hash), 'hex') as hash,
      coalesce(c.body, i.body) as body, parted
    from item i ${copyOf(scope)} where collection = ${collection} and object_id = ${id} and audience = any (${scope}::int[])
    order by version_key, accepted`)
}

/** Where copies are now, as far as a reader sees them; the last in the log first. */
export async function readPlaces(
  db: Database,
  reader: Reader,
  collection: number,
  id: string,
  accepted: readonly bigint[],
): Promise<{ position: bigint; version: string; audience: number }[]> {
  const row = await readAs<{ places: { position: string; version: string; audience: number }[] | null }>(
    db,
    reader,
    sql`select json_agg(json_build_object('position', i.position::text, 'version', i.version, 'audience', i.audience)
        order by i.position desc) as places
      from item i where s.fresh and s.scope is not null and i.collection = ${collection} and i.object_id = ${id}
        and i.accepted = any (${accepted.map(String)}::bigint[]) and i.audience = any (${reader.scope}::int[])`,
  )
  return (row.places ?? []).map((place) => ({ ...place, position: BigInt(place.position) }))
}
