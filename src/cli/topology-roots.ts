/** API roots of a topology file, with their collections and grants (policy.md §12). */
import type { DeclaredCollection, DeclaredRoot } from '../policy/declared.ts'
import { type Names, Unique } from './topology-names.ts'
import { label } from './topology-principals.ts'
import { Fields, type Report, type TextOptions } from './tree-reader.ts'
import type { Tree } from './yaml-tree.ts'

/** Looks like an id of a collection, of any UUID version. */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const RESERVED = ['taxii2', 'auth', 'api', 'livez', 'readyz', 'metrics', 'openapi.yaml', 'docs']
const PATH: TextOptions = { form: [/^[a-z0-9-]{1,64}$/, '1 to 64 of a-z, 0-9 and -'] }
const UUID4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i
const ALIAS: TextOptions = { form: [/^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,128}$/, 'letters, digits and ._~- only'] }
const LONG: TextOptions = { max: 20_000, multiline: true }

export interface Context {
  report: Report
  names: Names
}

/** API roots with their collections and grants; ids, aliases and titles differ within a root. */
export function readRoots(context: Context, items: readonly Tree[]): DeclaredRoot[] {
  const { report } = context
  const paths = new Unique(report)
  const defaults = new Unique(report)
  return items.map((item) => {
    const known = ['path', 'title', 'description', 'default', 'collections']
    const fields = new Fields(report, item, label('api_root', item, 'path'), known)
    const path = fields.needText('path', PATH)
    const line = fields.line('path')
    if (RESERVED.includes(path))
      report.problem(line, `${fields.what}: path: "${path}" is taken by the server itself`)
    paths.add(path, line, 'api_root')
    const isDefault = fields.flag('default', false)
    if (isDefault) defaults.add('default', fields.line('default'), 'a root with', 'default: true')
    const unique = { ids: new Unique(report), aliases: new Unique(report), titles: new Unique(report) }
    return {
      path,
      title: fields.needText('title'),
      description: fields.text('description', LONG),
      isDefault,
      collections: (fields.list('collections') ?? []).map((c) =>
        readCollection(context, c, fields.what, unique),
      ),
    }
  })
}

const COLLECTION_KEYS = [
  'id',
  'alias',
  'title',
  'description',
  'default_marking',
  'redaction',
  'references',
  'on_conflict',
  'strict',
  'stix',
  'quarantine',
  'public',
  'match',
  'grants',
]

function readCollection(
  context: Context,
  item: Tree,
  root: string,
  unique: { ids: Unique; aliases: Unique; titles: Unique },
): DeclaredCollection {
  const { report } = context
  const fields = new Fields(report, item, `${root}: ${label('collection', item, 'title')}`, COLLECTION_KEYS)
  const id = fields.needText('id', { form: [UUID4, 'a UUID of version 4'] }).toLowerCase()
  unique.ids.add(id, fields.line('id'), `${root}: collection id`)
  const alias = fields.text('alias', ALIAS)
  if (alias !== null && UUID.test(alias)) {
    report.problem(
      fields.line('alias'),
      `${fields.what}: alias: expected a name that does not look like a UUID`,
    )
  }
  unique.aliases.add(alias, fields.line('alias'), `${root}: collection alias`)
  const title = fields.needText('title')
  unique.titles.add(title, fields.line('title'), `${root}: collection title`)
  const marking = fields.level('default_marking', true)
  return {
    id,
    alias,
    title,
    description: fields.text('description', LONG),
    defaultMarking: marking && `tlp:${marking}`,
    redaction: fields.choice('redaction', ['withhold', 'redact'], 'withhold'),
    refs: fields.choice('references', ['closed', 'own'], 'closed'),
    onConflict: fields.choice('on_conflict', ['fail', 'keep', 'replace'], 'fail'),
    strict: fields.flag('strict', false),
    stix: readStix(report, fields),
    quarantine: fields.flag('quarantine', false),
    public: fields.flag('public', false),
    match: fields.flag('match', true),
    grants: (fields.list('grants') ?? []).map((grant) => readGrant(context, grant, fields.what)),
  }
}

/** `["2.1", "2.0"]`, also without the quotes. */
function readStix(report: Report, fields: Fields): DeclaredCollection['stix'] {
  const items = fields.list('stix')
  if (items === null) return ['2.1', '2.0']
  const chosen = new Set<string>()
  for (const item of items) {
    const version = item.kind === 'scalar' ? item.source : ''
    if (version === '2.1' || version === '2.0') chosen.add(version)
    else report.expected(item, `${fields.what}: stix`, '"2.1" or "2.0"')
  }
  if (items.length === 0)
    report.problem(fields.line('stix'), `${fields.what}: stix: expected at least one of "2.1", "2.0"`)
  return (['2.1', '2.0'] as const).filter((v) => chosen.has(v))
}

function readGrant(
  { report, names }: Context,
  item: Tree,
  collection: string,
): DeclaredCollection['grants'][number] {
  const fields = new Fields(report, item, `${collection}: ${label('grant to', item, 'to')}`, [
    'to',
    'read',
    'write',
  ])
  const to = fields.needText('to')
  const kinds = ['country', 'organization', 'community', 'principal'] as const
  if (to !== '*') names.refer(kinds, to, fields.line('to'), `${fields.what}: to`)
  return { to, read: fields.flag('read', false), write: fields.flag('write', false) }
}
