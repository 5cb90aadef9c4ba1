/** API roots and collections, brought to what is declared. */
import { Refusal } from '../errors.ts'
import type { DeclaredCollection, DeclaredRoot } from '../policy/declared.ts'
import { sql } from './sql.ts'
import { seedStandard } from './standard.ts'
import { drop, gone, type Run, sync } from './topology-diff.ts'

type RootRow = Omit<DeclaredRoot, 'collections'>

async function readRoots(run: Run): Promise<RootRow[]> {
  return await run.rows(
    sql`select path, title, description, is_default as "isDefault" from api_root order by path`,
  )
}

/** A declared default root takes that place from any other. */
export async function syncRoots(run: Run, declared: readonly DeclaredRoot[]): Promise<void> {
  const rows = declared.map(({ collections: _, ...row }): RootRow => row)
  const stored = await readRoots(run)
  if (rows.some((r) => r.isDefault)) {
    for (const root of gone(stored, rows, (r) => r.path)) {
      if (root.isDefault) rows.push({ ...root, isDefault: false })
    }
  }
  await sync(run, 'api_root', stored, rows, {
    name: (r) => r.path,
    put: (r) => sql`insert into api_root (path, title, description, is_default)
      values (${r.path}, ${r.title}, ${r.description}, ${r.isDefault})
      on conflict (path) do update set title = excluded.title, description = excluded.description,
        is_default = excluded.is_default`,
  })
}

/** After dropCollections. */
export async function dropRoots(run: Run, declared: readonly DeclaredRoot[]): Promise<void> {
  for (const { path } of gone<{ path: string }>(await readRoots(run), declared, (r) => r.path)) {
    await drop(run, 'api_root', path, sql`delete from api_root where path = ${path}`)
  }
}

type CollectionRow = DeclaredCollection & { root: string }
type StoredCollection = CollectionRow & { seq: number }

const key = (c: { root: string; id: string }) => `${c.root}/${c.id}`

export async function readCollections(run: Run): Promise<StoredCollection[]> {
  return await run.rows(sql`select seq, root, id::text, alias, title, description, default_marking as "defaultMarking",
    redaction, refs, on_conflict as "onConflict", strict, stix, quarantine, public, match, grants
    from collection order by root, id::text`)
}

const withRoot = (roots: readonly DeclaredRoot[]) =>
  roots.flatMap((root) => root.collections.map((c): CollectionRow => ({ root: root.path, ...c })))

const REMOVED = 'The operator has removed the collection.'

/** Removes collections that are not declared, with their objects, deletions and statuses. */
export async function dropCollections(
  run: Run,
  declared: readonly DeclaredRoot[],
  stored: readonly StoredCollection[],
): Promise<void> {
  const names = new Set(withRoot(declared).map(key))
  for (const { seq, root, id, alias } of stored.filter((c) => !names.has(key(c)))) {
    // Waits for whoever is appending, and lets nobody append any more.
    await run.rows(sql`select last_added from collection_head where collection = ${seq} for update`)
    const [objects] = await run.rows<{ count: number }>(
      sql`select count(*)::int as count from item where collection = ${seq} and not standard`,
    )
    await forgetMatches(run, seq)
    // Who fetched from it hears that it is gone (policy.md §7).
    await run.rows(sql`select note_tightening(${seq}, array(
      select accepted from item where collection = ${seq} and not standard), 'delete', '', ${REMOVED})`)
    await run.rows(sql`delete from item where collection = ${seq}`)
    await run.rows(sql`delete from tombstone where collection = ${seq}`)
    await run.rows(sql`delete from status where collection = ${seq}`)
    const statement = sql`delete from collection where seq = ${seq}`
    const count = objects?.count ?? 0
    const detail = `${alias ?? 'no alias'}, with ${count} object${count === 1 ? '' : 's'}`
    await drop(run, 'collection', key({ root, id }), statement, detail)
  }
}

export async function syncCollections(
  run: Run,
  declared: readonly DeclaredRoot[],
  stored: readonly StoredCollection[],
): Promise<void> {
  const rows = withRoot(declared)
  const seqs = new Map(stored.map((c) => [key(c), c.seq]))
  await freeAliases(run, rows, stored)
  await keepLabels(run, rows, stored)
  await setMatches(run, rows, stored)
  await sync<CollectionRow>(run, 'collection', stored, rows, {
    name: key,
    put: (c) => {
      const grants = JSON.stringify(c.grants)
      const seq = seqs.get(key(c))
      return seq === undefined
        ? sql`insert into collection (root, id, alias, title, description, default_marking, redaction, refs, on_conflict,
            strict, stix, quarantine, public, match, grants, created)
          values (${c.root}, ${c.id}::uuid, ${c.alias}, ${c.title}, ${c.description}, ${c.defaultMarking}, ${c.redaction},
            ${c.refs}, ${c.onConflict}, ${c.strict}, ${c.stix}::text[], ${c.quarantine}, ${c.public}, ${c.match}, ${grants}::jsonb,
            ${run.now}::bigint)`
        : sql`update collection set alias = ${c.alias}, title = ${c.title}, description = ${c.description},
            default_marking = ${c.defaultMarking}, redaction = ${c.redaction}, refs = ${c.refs},
            on_conflict = ${c.onConflict}, strict = ${c.strict}, stix = ${c.stix}::text[], quarantine = ${c.quarantine},
            public = ${c.public}, match = ${c.match}, grants = ${grants}::jsonb where seq = ${seq}`
    },
  })
  for (const { root, id } of rows.filter((c) => !seqs.has(key(c)))) {
    const [made] = await run.rows<{ seq: number }>(
      sql`select seq from collection where root = ${root} and id = ${id}::uuid`,
    )
    if (made) await seedStandard(run, made.seq, run.now)
  }
}

/** Labels are made as objects come in: how it is done cannot change under objects that are there. */
async function keepLabels(
  run: Run,
  rows: readonly CollectionRow[],
  stored: readonly StoredCollection[],
): Promise<void> {
  const before = new Map(stored.map((c) => [key(c), c]))
  for (const c of rows) {
    const old = before.get(key(c))
    const option =
      old && old.redaction !== c.redaction ? 'redaction' : old && old.refs !== c.refs ? 'references' : null
    if (!old || option === null) continue
    const [found] = await run.rows<{ some: boolean }>(
      sql`select exists (select from item where collection = ${old.seq} and not standard) as some`,
    )
    if (found?.some) {
      throw new Refusal(
        `Nothing was applied: collection ${key(c)} holds objects, so its ${option} cannot change any more; make another collection and import the objects there.`,
      )
    }
  }
}

/** Who has no match fields any more loses their index; who gets them has its objects read in, in the background. */
async function setMatches(
  run: Run,
  rows: readonly CollectionRow[],
  stored: readonly StoredCollection[],
): Promise<void> {
  const before = new Map(stored.map((c) => [key(c), c]))
  for (const c of rows) {
    const old = before.get(key(c))
    if (!old || old.match === c.match) continue
    // Waits for whoever is appending; who waits for the log now finds another world.
    await run.rows(sql`select last_added from collection_head where collection = ${old.seq} for update`)
    await forgetMatches(run, old.seq)
    if (c.match) await run.rows(sql`insert into match_fill (collection, upto) values (${old.seq}, -1)`)
  }
}

async function forgetMatches(run: Run, seq: number): Promise<void> {
  await run.rows(sql`delete from match_fill where collection = ${seq}`)
  await run.rows(sql`delete from match_row where collection = ${seq}`)
  await run.rows(sql`delete from match_posting where collection = ${seq}`)
  await run.rows(sql`delete from match_audience where collection = ${seq}`)
}

/** Takes an alias off its old holder before another collection of the root gets it; the old one is declared anew. */
async function freeAliases(
  run: Run,
  rows: readonly CollectionRow[],
  stored: readonly StoredCollection[],
): Promise<void> {
  if (rows.length === 0) return
  const wanted = new Map(rows.filter((c) => c.alias !== null).map((c) => [`${c.root}/${c.alias}`, key(c)]))
  const declared = new Set(rows.map(key))
  for (const c of stored) {
    const next = c.alias === null ? undefined : wanted.get(`${c.root}/${c.alias}`)
    if (next === undefined || next === key(c)) continue
    if (declared.has(key(c))) await run.rows(sql`update collection set alias = null where seq = ${c.seq}`)
    else if (!run.prune) {
      throw new Refusal(
        `Nothing was applied: the alias "${c.alias}" of ${next} belongs to collection ${key(c)}, which is stored and not in this file; choose another, or remove that collection with --prune.`,
      )
    }
  }
}
