/** The definitions that every collection answers to and none lists: TLP and our extensions (policy.md §2). */
import {
  contentHash,
  REDACTION_EXTENSION_DEFINITION,
  RELEASE_EXTENSION_DEFINITION,
  STANDARD_DEFINITIONS,
  timestampKey,
} from '../stix/index.ts'
import { parseMicros } from '../time.ts'
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
 * Gives a new collection its standard rows, at positions (date_added) from each one's `created` on, and moves
 * the head of its log beyond them. Rows that are there stay.
 */
export async function seedStandard(db: Pick<Database, 'rows'>, collection: number): Promise<void> {
  const texts = [
    ...STANDARD_DEFINITIONS.map((d) => d.text),
    RELEASE_EXTENSION_DEFINITION,
    REDACTION_EXTENSION_DEFINITION,
  ]
  const rows = texts.map((text, i) => {
    const object: StandardObject & Record<string, unknown> = JSON.parse(text)
    const version = object.modified ?? object.created
    const [at, versionKey] = [parseMicros(object.created), timestampKey(version)]
    if (at === null || versionKey === null) throw new Error(`${object.id} has no time`)
    const { id, type } = object
    // One microsecond apart, so that equal times make different positions.
    return { id, type, text, version, versionKey, position: at + BigInt(i), hash: contentHash(object) }
  })
  const positions = rows.map((r) => r.position).sort((a, b) => (a < b ? -1 : 1))
  await db.rows(sql`with audience as (select intern(${AUDIENCE}::jsonb) as id)
    insert into item (collection, position, accepted, audience, label, bytes, spec, sco, standard, object_id, type,
                      version_key, version, organization, principal, hash, body)
    select ${collection}::int, r.position, r.position, a.id, a.id, octet_length(r.body), 21, false, true, r.id, r.type,
           r.version_key, r.version, '', '', decode(r.hash, 'hex'), r.body
    from audience a, unnest(${rows.map((r) => r.position.toString())}::bigint[], ${rows.map((r) => r.id)}::text[],
      ${rows.map((r) => r.type)}::text[], ${rows.map((r) => r.versionKey)}::text[], ${rows.map((r) => r.version)}::text[],
      ${rows.map((r) => r.hash)}::text[], ${rows.map((r) => r.text)}::text[])
      as r (position, id, type, version_key, version, hash, body)
    on conflict (collection, position) do nothing`)
  await db.rows(sql`insert into collection_head as h (collection, last_added) values (${collection}::int, ${positions.at(-1) ?? 0n}::bigint)
    on conflict (collection) do update set last_added = greatest(h.last_added, excluded.last_added)`)
}
