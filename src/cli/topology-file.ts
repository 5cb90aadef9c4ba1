/** Reads a topology file (policy.md §12): every problem at once, each with its line and what was expected. */
import type { DeclaredTopology } from '../policy/declared.ts'
import { NO_COUNTRY } from '../policy/model.ts'
import { didYouMean } from './near.ts'
import { Names } from './topology-names.ts'
import { type CollectionReference, label, readPrincipals, type SecretSources } from './topology-principals.ts'
import { type Context, readRoots, UUID } from './topology-roots.ts'
import { readOptOuts, readVetoes } from './topology-vetoes.ts'
import { Fields, Report, type TextOptions } from './tree-reader.ts'
import { type Problem, readTree, type Tree } from './yaml-tree.ts'

export type TopologyFile =
  | { ok: true; declared: DeclaredTopology; warnings: string[] }
  | { ok: false; problems: Problem[] }

const KEYS = [
  'countries',
  'organizations',
  'communities',
  'principals',
  'agreements',
  'vetoes',
  'opt_outs',
  'baseline',
  'api_roots',
]
const CODE: TextOptions = { form: [/^[A-Z]{2}$/, 'an ISO 3166-1 alpha-2 code in capitals, such as MY'] }
const ID: TextOptions = { form: [/^[^*\s]\S*$/u, 'an id without spaces or a leading *'] }

/**
 * Reads a topology from YAML or JSON. Nothing is changed and no database is needed.
 * @param sources where `{env: NAME}` and `{file: PATH}` secrets come from
 */
export function readTopologyFile(text: string, sources: SecretSources): TopologyFile {
  const { tree, problems } = readTree(text)
  const report = new Report()
  report.problems.push(...problems)
  const declared = tree && readTopology(report, tree, sources)
  if (!declared || report.problems.length > 0) {
    const sorted = report.problems.map((problem, i) => ({ problem, i }))
    sorted.sort((a, b) => a.problem.line - b.problem.line || a.i - b.i)
    return { ok: false, problems: sorted.map(({ problem }) => problem) }
  }
  const warnings = report.warnings.sort((a, b) => a.line - b.line)
  return { ok: true, declared, warnings: warnings.map((w) => `line ${w.line}: ${w.message}`) }
}

function readTopology(report: Report, tree: Tree, sources: SecretSources): DeclaredTopology {
  const names = new Names(report)
  const context = { report, names }
  const top = new Fields(report, tree, 'the topology', KEYS)
  const each = <T>(key: string, read: (context: Context, item: Tree) => T): T[] =>
    (top.list(key) ?? []).map((item) => read(context, item))
  const references: CollectionReference[] = []
  const organizations = each('organizations', readOrganization)
  const declared: DeclaredTopology = {
    countries: each('countries', readCountry),
    organizations,
    communities: each('communities', readCommunity),
    principals: readPrincipals(
      { ...context, sources, collections: references },
      top.list('principals') ?? [],
    ),
    agreements: each('agreements', readAgreement),
    vetoes: readVetoes(context, top.list('vetoes') ?? [], organizations),
    optOuts: readOptOuts(context, top.list('opt_outs') ?? []),
    baseline: readBaseline(context, top.get('baseline')),
    roots: readRoots(context, top.list('api_roots') ?? []),
  }
  names.check()
  const collections = declared.roots.flatMap((r) => r.collections)
  const known = new Set(collections.flatMap((c) => (c.alias === null ? [c.id] : [c.id, c.alias])))
  for (const { name, line, what } of references) {
    if (known.has(UUID.test(name) ? name.toLowerCase() : name)) continue
    report.problem(line, `${what}: no collection has the id or alias "${name}"${didYouMean(name, known)}`)
  }
  for (const { tokens } of declared.principals) {
    for (const t of tokens)
      t.collections = t.collections?.map((c) => (UUID.test(c) ? c.toLowerCase() : c)) ?? null
  }
  return declared
}

function readCountry({ report, names }: Context, item: Tree): DeclaredTopology['countries'][number] {
  const fields = new Fields(report, item, label('country', item, 'code'), [
    'code',
    'name',
    'clearance',
    'adhoc_release',
  ])
  const code = fields.needText('code', CODE)
  names.declare('country', code, fields.line('code'))
  fields.text('name')
  return { code, clearance: fields.level('clearance'), adhocRelease: fields.flag('adhoc_release', true) }
}

function readOrganization({ report, names }: Context, item: Tree): DeclaredTopology['organizations'][number] {
  const known = ['id', 'name', 'country', 'kind', 'clearance', 'clients']
  const fields = new Fields(report, item, label('organization', item, 'id'), known)
  const id = fields.needText('id', ID)
  if (id === NO_COUNTRY)
    report.problem(fields.line('id'), `${fields.what}: ZZ stands for no country, expected another id`)
  names.declare('organization', id, fields.line('id'))
  const name = fields.needText('name')
  const country = fields.needText('country', CODE)
  names.refer(['country'], country, fields.line('country'), `${fields.what}: country`)
  const clients = fields.texts('clients') ?? []
  for (const c of clients) names.refer(['organization'], c.text, c.line, `${fields.what}: clients`)
  return {
    id,
    name,
    country,
    kind: fields.choice('kind', ['organization', 'national-cert', 'international'], 'organization'),
    clearance: fields.level('clearance'),
    clients: clients.map((c) => c.text),
  }
}

function readCommunity({ report, names }: Context, item: Tree): DeclaredTopology['communities'][number] {
  const fields = new Fields(report, item, label('community', item, 'id'), ['id', 'title', 'members'])
  const id = fields.needText('id', ID)
  if (id === NO_COUNTRY)
    report.problem(fields.line('id'), `${fields.what}: ZZ stands for no country, expected another id`)
  names.declare('community', id, fields.line('id'))
  const members = fields.texts('members') ?? []
  for (const m of members) names.refer(['organization'], m.text, m.line, `${fields.what}: members`)
  return { id, title: fields.needText('title'), members: members.map((m) => m.text) }
}

const AGREEMENT_KEYS = [
  'from',
  'to',
  'max_tlp',
  'recipients',
  'clients',
  'valid_from',
  'valid_until',
  'signed',
]

function readAgreement({ report, names }: Context, item: Tree): DeclaredTopology['agreements'][number] {
  const fields = new Fields(report, item, label('agreement from', item, 'from'), AGREEMENT_KEYS)
  const what = fields.what
  const source = fields.needText('from')
  const target = fields.needText('to')
  names.refer(['country', 'organization'], source, fields.line('from'), `${what}: from`)
  names.refer(['country', 'organization', 'community'], target, fields.line('to'), `${what}: to`)
  const level = fields.need('max_tlp')
  const signed = fields.texts('signed') ?? []
  for (const s of signed) {
    if (s.text !== source && s.text !== target)
      report.warning(s.line, `${what}: ${s.text} signs but is no side of it`)
  }
  for (const side of new Set([source, target])) {
    if (!signed.some((s) => s.text === side))
      report.warning(item.line, `${what}: not in force, ${side} has not signed`)
  }
  const [validFrom, validUntil] = [fields.date('valid_from'), fields.date('valid_until')]
  if (validFrom !== null && validUntil !== null && validUntil <= validFrom) {
    report.warning(fields.line('valid_until'), `${what}: never in force, valid_until is not after valid_from`)
  }
  return {
    source,
    target,
    maxTlp: (level && fields.level('max_tlp')) ?? 'clear',
    recipients: fields.choice('recipients', ['all', 'national-cert'], 'all'),
    clients: fields.flag('clients', false),
    validFrom,
    validUntil,
    signed: signed.map((s) => s.text),
  }
}

function readBaseline({ report, names }: Context, tree: Tree | null): DeclaredTopology['baseline'] {
  if (!tree) return { maxTlp: 'green', members: null }
  const fields = new Fields(report, tree, 'baseline', ['max_tlp', 'members'])
  const maxTlp = fields.level('max_tlp') ?? 'green'
  if (maxTlp !== 'clear' && maxTlp !== 'green') {
    const line = fields.line('max_tlp')
    report.warning(
      line,
      `baseline: max_tlp ${maxTlp} counts as green, nobody has signed for more: make agreements`,
    )
  }
  const members = fields.get('members')
  if (!members || (members.kind === 'scalar' && members.value === 'all')) return { maxTlp, members: null }
  if (members.kind !== 'list') {
    report.expected(members, 'baseline: members', 'all, or a list of countries and organizations')
    return { maxTlp, members: [] }
  }
  const list = fields.texts('members') ?? []
  for (const m of list) names.refer(['country', 'organization'], m.text, m.line, 'baseline: members')
  return { maxTlp, members: list.map((m) => m.text) }
}
