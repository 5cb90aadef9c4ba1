/** The definitions that every collection answers to and none lists: TLP and our extensions (policy.md §2). */
import {
  contentHash,
  REDACTION_EXTENSION_DEFINITION,
  RELEASE_EXTENSION_DEFINITION,
  STANDARD_DEFINITIONS,
  timestampKey,
} from '../stix/index.ts'
import type { Micros } from '../time.ts'
import type { Database } from './pool.ts'
import { sql } from './sql.ts'

/** CLEAR, of nobody: anyone who may read the collection may read it. */
const AUDIENCE = '{"own":[{"level":"clear","org":""}],"submitter":""}'

interface StandardObject {
  id: string
  type: string
  created: string
  modified?: string
}

/**
 * Gives a new collection its standard rows, at the first positions of its log: `date_added` is when the collection was made
 * (taxii.md T-5.6-02).
 * @param now in microseconds
 */
export async function seedStandard(
  db: Pick<Database, 'rows'>,
  collection: number,
  now: Micros,
): Promise<void> {
  const texts = [
    ...STANDARD_DEFINITIONS.map((d) => d.text),
    RELEASE_EXTENSION_DEFINITION,
    REDACTION_EXTENSION_DEFINITION,
  ]
  const rows = texts.map((text, i) => {
    const object: StandardObject & Record<string, unknown> = JSON.parse(text)
    const version = object.modified ?? object.created
    const versionKey = timestampKey(version)
    if (versionKey === null) throw new Error(`${object.id} has no time`)
    const { id, type } = object
    return { id, type, text, version, versionKey, position: now + BigInt(i), hash: contentHash(object) }
  })
  const last = now + BigInt(rows.length - 1)
  await db.rows(sql`with audience as (select intern(${AUDIENCE}::jsonb) as id)
    insert into item (collection, position, accepted, audience, label, bytes, spec, sco, standard, object_id, type,
                      version_key, version, organization, principal, hash, body)
    select ${collection}::int, r.position, r.position, a.id, a.id, octet_length(r.body), 21, false, true, r.id, r.type,
           r.version_key, r.version, '', '', decode(r.hash, 'hex'), r.body
    from audience a, unnest(${rows.map((r) => r.position.toString())}::bigint[], ${rows.map((r) => r.id)}::text[],
      ${rows.map((r) => r.type)}::text[], ${rows.map((r) => r.versionKey)}::text[], ${rows.map((r) => r.version)}::text[],
      ${rows.map((r) => r.hash)}::text[], ${rows.map((r) => r.text)}::text[])
      as r (position, id, type, version_key, version, hash, body)`)
  await db.rows(sql`insert into collection_head as h (collection, last_added) values (${collection}::int, ${last.toString()}::bigint)
    on conflict (collection) do update set last_added = greatest(h.last_added, excluded.last_added)`)
}
