/** Principals of a topology file, with their passwords and tokens (policy.md §1, §12). */
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { isPasswordHash, tokenDigest, tokenPrefix } from '../policy/credentials.ts'
import type { DeclaredPrincipal, DeclaredToken } from '../policy/declared.ts'
import { parseCidr } from './cidr.ts'
import { type Names, Unique } from './topology-names.ts'
import { Fields, type Report, readChoice, readText } from './tree-reader.ts'
import type { Tree } from './yaml-tree.ts'

/** Where secrets that the file only points at come from. */
export interface SecretSources {
  env: NodeJS.ProcessEnv
  /** Relative `{file: PATH}` are relative to it. */
  baseDir: string
}

/** A collection named by a token, looked up once all roots are read. */
export interface CollectionReference {
  name: string
  line: number
  what: string
}

export interface PrincipalsContext {
  report: Report
  names: Names
  sources: SecretSources
  collections: CollectionReference[]
}

const SCOPES = ['read', 'write'] as const
const MAX_SECRET_BYTES = 4096
const MAX_CUSTODIANS = 3
/** A colon would end the user name in HTTP Basic (RFC 7617 §2). */
const PRINCIPAL_ID: [RegExp, string] = [/^[^:*\s][^:\s]*$/u, 'an id without spaces, colons or a leading *']

export function readPrincipals(context: PrincipalsContext, items: readonly Tree[]): DeclaredPrincipal[] {
  const { report } = context
  const values = new Unique(report)
  const custodians = new Map<string, number>()
  return items.map((item) => {
    const principal = readPrincipal(context, item, values)
    if (principal.custodian && principal.organization !== '') {
      const count = (custodians.get(principal.organization) ?? 0) + 1
      custodians.set(principal.organization, count)
      if (count > MAX_CUSTODIANS) {
        report.problem(
          item.line,
          `principal ${principal.id}: ${principal.organization} has more than ${MAX_CUSTODIANS} custodians`,
        )
      }
    }
    return principal
  })
}

const PRINCIPAL_KEYS = [
  'id',
  'organization',
  'kind',
  'clearance',
  'custodian',
  'active',
  'password',
  'password_hash',
  'tokens',
]

function readPrincipal(context: PrincipalsContext, item: Tree, values: Unique): DeclaredPrincipal {
  const { report, names } = context
  const fields = new Fields(report, item, label('principal', item, 'id'), PRINCIPAL_KEYS)
  const id = fields.needText('id', { form: PRINCIPAL_ID })
  const organization = fields.needText('organization')
  names.declare('principal', id, fields.line('id'))
  names.refer(['organization'], organization, fields.line('organization'), `${fields.what}: organization`)
  if (item.kind === 'mapping' && !item.entries.has('kind')) {
    report.warning(item.line, `${fields.what}: kind is left out, read as service (the lower clearance)`)
  }
  const kind = fields.choice('kind', ['person', 'service'], 'service')
  const custodian = fields.flag('custodian', false)
  if (custodian && kind !== 'person') {
    report.problem(fields.line('custodian'), `${fields.what}: custodian: expected a person, found a service`)
  }
  const tokenNames = new Unique(report)
  return {
    id,
    organization,
    kind,
    clearance: fields.level('clearance'),
    custodian,
    active: fields.flag('active', true),
    password: readPassword(context, fields),
    tokens: (fields.list('tokens') ?? []).map((t) => readToken(context, t, fields.what, tokenNames, values)),
  }
}

function readPassword(context: PrincipalsContext, fields: Fields): DeclaredPrincipal['password'] {
  const clear = readSecret(context, fields, 'password')
  const hash = readSecret(context, fields, 'password_hash')
  if (clear !== null && hash !== null) {
    context.report.problem(
      fields.line('password_hash'),
      `${fields.what}: expected password or password_hash, not both`,
    )
  }
  if (hash !== null) {
    if (isPasswordHash(hash)) return { hash }
    context.report.problem(
      fields.line('password_hash'),
      `${fields.what}: password_hash: expected scrypt$16384$8$1$SALT$KEY with base64url salt and key`,
    )
  }
  return clear === null ? null : { clear }
}

const TOKEN_KEYS = ['name', 'value', 'value_hash', 'max_tlp', 'scopes', 'collections', 'expires', 'cidrs']

function readToken(
  context: PrincipalsContext,
  item: Tree,
  owner: string,
  tokenNames: Unique,
  values: Unique,
): DeclaredToken {
  const { report } = context
  const fields = new Fields(report, item, `${owner}: ${label('token', item, 'name')}`, TOKEN_KEYS)
  const name = fields.needText('name')
  tokenNames.add(name, fields.line('name'), `${owner}: token`)
  const value = readTokenValue(context, fields)
  values.add(value?.sha256 ?? null, item.line, `${fields.what}: a value`, 'that must be of one token only')
  const scopes = fields
    .list('scopes')
    ?.map((scope) => readChoice(report, scope, `${fields.what}: scopes`, SCOPES))
    .filter((scope) => scope !== null)
  const collections = fields.texts('collections')
  for (const { text, line } of collections ?? []) {
    context.collections.push({ name: text, line, what: `${fields.what}: collections` })
  }
  const cidrs = fields.list('cidrs')?.flatMap((cidr) => readCidr(report, cidr, `${fields.what}: cidrs`) ?? [])
  for (const [key, list] of [
    ['scopes', scopes],
    ['collections', collections],
    ['cidrs', cidrs],
  ] as const) {
    if (list?.length === 0)
      report.warning(fields.line(key), `${fields.what}: ${key} is an empty list, so the token opens nothing`)
  }
  return {
    name,
    sha256: value?.sha256 ?? '',
    prefix: value?.prefix ?? null,
    maxTlp: fields.level('max_tlp'),
    scopes: SCOPES.filter((scope) => scopes?.includes(scope) ?? true),
    collections: collections?.map((c) => c.text) ?? null,
    expires: fields.date('expires'),
    cidrs: cidrs ?? null,
  }
}

function readTokenValue(
  context: PrincipalsContext,
  fields: Fields,
): { sha256: string; prefix: string | null } | null {
  const { report } = context
  const before = report.problems.length
  const value = readSecret(context, fields, 'value')
  const hash = readSecret(context, fields, 'value_hash')
  if (report.problems.length > before) return null
  if ((value === null) === (hash === null)) {
    report.problem(fields.at, `${fields.what}: expected value or value_hash, exactly one of them`)
    return null
  }
  if (value !== null) {
    if (value.length < 20)
      report.warning(fields.line('value'), `${fields.what}: value is short enough to be guessed`)
    return { sha256: tokenDigest(value), prefix: tokenPrefix(value) }
  }
  const hex = /^sha256:([0-9a-f]{64})$/i.exec(hash ?? '')?.[1]?.toLowerCase()
  if (hex) return { sha256: hex, prefix: null }
  report.problem(
    fields.line('value_hash'),
    `${fields.what}: value_hash: expected sha256: and 64 hexadecimal digits`,
  )
  return null
}

/** A secret as a string, `{env: NAME}` or `{file: PATH}`. Messages never show its value. */
function readSecret({ report, sources }: PrincipalsContext, fields: Fields, key: string): string | null {
  const tree = fields.get(key)
  if (!tree) return null
  const what = `${fields.what}: ${key}`
  const fail = (line: number, message: string) => {
    report.problem(line, `${what}: ${message}`)
    return null
  }
  if (tree.kind === 'scalar' && typeof tree.value === 'string') {
    return tree.value === '' ? fail(tree.line, 'expected a string that is not empty') : tree.value
  }
  if (tree.kind !== 'mapping') {
    const quote =
      tree.kind === 'scalar' ? `, found a ${typeof tree.value}: put it in quotes` : ', found a list'
    return fail(tree.line, `expected a string, {env: NAME} or {file: PATH}${quote}`)
  }
  const before = report.problems.length
  const from = new Fields(report, tree, what, ['env', 'file'])
  const name = from.text('env')
  const path = from.text('file', { max: 4096 })
  if (name !== null && path !== null) return fail(tree.line, 'expected env or file, not both')
  if (name !== null) {
    const value = sources.env[name]
    return value ? value : fail(from.line('env'), `the environment variable ${name} is not set`)
  }
  if (path === null) {
    const reported = report.problems.length > before
    return reported ? null : fail(tree.line, 'expected {env: NAME} or {file: PATH}')
  }
  const file = resolve(sources.baseDir, path)
  try {
    const { size } = statSync(file)
    if (size > MAX_SECRET_BYTES)
      return fail(from.line('file'), `${file} is larger than ${MAX_SECRET_BYTES} bytes`)
    const value = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    return value || fail(from.line('file'), `${file} is empty`)
  } catch (error) {
    return fail(from.line('file'), `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function readCidr(report: Report, tree: Tree, what: string): string | null {
  const text = readText(report, tree, what)
  if (text === null) return null
  const cidr = parseCidr(text)
  if (cidr === null) report.expected(tree, what, 'a range such as 192.0.2.0/24 or 2001:db8::/32')
  return cidr
}

/** What messages call an entry: `organization mycert`, or without its id when that cannot be read. */
export function label(kind: string, item: Tree, key: string): string {
  const id = item.kind === 'mapping' ? item.entries.get(key)?.value : undefined
  const name =
    id?.kind === 'scalar' && typeof id.value === 'string' && id.value.length <= 128 ? id.value : null
  return name ? `${kind} ${name.replace(/\p{Cc}/gu, '?')}` : kind
}
