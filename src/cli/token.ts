/** `comity token create | list | revoke`: API tokens, each weaker than its owner. */
import { Refusal } from '../errors.ts'
import { keyedHash, newToken, tokenDigest } from '../policy/credentials.ts'
import { isTlp, TLPS } from '../policy/model.ts'
import { overClient } from '../store/client.ts'
import {
  addToken,
  collectionNames,
  type ListedToken,
  listTokens,
  principalIds,
  readTokenKey,
  removeToken,
} from '../store/manage-credentials.ts'
import type { Database } from '../store/pool.ts'
import { formatMicros, type Micros, systemClock } from '../time.ts'
import { parseCidr } from './cidr.ts'
import { type CliContext, EXIT } from './context.ts'
import { didYouMean } from './near.ts'
import { table } from './table.ts'
import { readDate } from './tree-reader.ts'

export interface CreateToken {
  principal: string
  name: string
  maxTlp?: string
  scope?: string
  collection?: string[]
  expires?: string
  cidr?: string[]
}

/** Prints the token, once and alone, on stdout. */
export async function createToken(context: CliContext, command: CreateToken): Promise<number> {
  const now = systemClock.now()
  const limits = readLimits(command, now)
  const name = command.name.trim()
  if (name === '' || name.length > 128 || /[\p{Cc}\p{Cs}]/u.test(name))
    throw usage('--name takes 1 to 128 characters')
  const { value, prefix } = newToken()
  await context.withOwner(async (client) => {
    const db = overClient(client)
    await knownPrincipal(db, command.principal)
    const collections = await knownCollections(db, command.collection)
    const key = await readTokenKey(db)
    if (!key) throw new Refusal('The database is not migrated: run comity migrate.', EXIT.database)
    const hash = keyedHash(key, tokenDigest(value))
    const token = { principal: command.principal, name, prefix, hash, ...limits, collections }
    if (!(await addToken(db, token, now))) {
      throw new Refusal(
        `${command.principal} has a token ${name} already: revoke it first, or choose another name.`,
      )
    }
  })
  context.out(value)
  const cap = limits.maxTlp ? `, reads up to TLP:${limits.maxTlp.toUpperCase()}` : ''
  const end = limits.expires === null ? 'does not expire' : `expires ${formatMicros(limits.expires)}`
  context.err(`token ${name} (${prefix}) of ${command.principal}: ${limits.scopes.join(', ')}${cap}, ${end}`)
  context.err('It is shown this once; keep it now.')
  return EXIT.ok
}

function readLimits(command: CreateToken, now: Micros) {
  const level = command.maxTlp
    ?.toLowerCase()
    .replace(/^tlp:/, '')
    .replace(/^white$/, 'clear')
  if (level !== undefined && !isTlp(level)) throw usage(`--max-tlp takes one of ${TLPS.join(', ')}`)
  const scopes = [...new Set((command.scope ?? 'read,write').split(',').map((s) => s.trim()))]
  if (scopes.some((s) => s !== 'read' && s !== 'write'))
    throw usage('--scope takes read, write or read,write')
  const expires = command.expires === undefined ? null : readDate(command.expires)
  if (command.expires !== undefined && expires === null) {
    throw usage('--expires takes a date (2027-01-01) or a time (2027-01-01T00:00:00Z)')
  }
  if (expires !== null && expires <= now) throw usage('--expires is in the past')
  const cidrs = command.cidr?.map((text) => {
    const cidr = parseCidr(text)
    if (cidr === null) throw usage(`--cidr takes a range such as 192.0.2.0/24 or 2001:db8::/32, not ${text}`)
    return cidr
  })
  return { maxTlp: level ?? null, scopes, expires, cidrs: cidrs?.length ? cidrs : null }
}

function usage(sentence: string): Refusal {
  return new Refusal(`${sentence}.`, EXIT.usage)
}

async function knownPrincipal(db: Database, id: string): Promise<void> {
  const ids = await principalIds(db)
  if (!ids.includes(id)) throw new Refusal(`There is no principal ${id}${didYouMean(id, ids)}.`)
}

async function knownCollections(
  db: Database,
  asked: readonly string[] | undefined,
): Promise<string[] | null> {
  if (!asked?.length) return null
  const names = await collectionNames(db)
  return asked.map((text) => {
    const name = names.has(text) ? text : text.toLowerCase()
    if (!names.has(name)) throw new Refusal(`There is no collection ${text}${didYouMean(text, names)}.`)
    return name
  })
}

/** A table on stdout; the tokens themselves are not kept anywhere. */
export async function listTokensCommand(
  context: CliContext,
  command: { principal?: string },
): Promise<number> {
  const tokens = await context.withOwner(async (client) => {
    const db = overClient(client)
    if (command.principal !== undefined) await knownPrincipal(db, command.principal)
    return await listTokens(db, command.principal ?? null)
  })
  const now = systemClock.now()
  const minute = (at: Micros | null, none: string) =>
    at === null ? none : `${formatMicros(at).slice(0, 16)}Z`
  const rows = tokens.map((t) => [
    t.principal,
    t.name,
    t.prefix,
    t.scopes.join(',') || 'none',
    t.maxTlp ?? '-',
    t.collections?.join(',') ?? 'all',
    t.cidrs?.join(',') ?? 'any',
    t.expires !== null && t.expires <= now ? 'expired' : minute(t.expires, 'never'),
    minute(t.lastUsed, 'never'),
    t.declared ? 'file' : 'command',
  ])
  const head = [
    'PRINCIPAL',
    'NAME',
    'PREFIX',
    'SCOPES',
    'MAX TLP',
    'COLLECTIONS',
    'FROM',
    'EXPIRES',
    'LAST USE',
    'MADE BY',
  ]
  if (rows.length > 0) for (const line of table([head, ...rows])) context.out(line)
  else context.err('no tokens')
  return EXIT.ok
}

/** Ends a token by its prefix or its name; it stops working with the next request on every node. */
export async function revokeToken(
  context: CliContext,
  command: { token: string; principal?: string },
): Promise<number> {
  const token = await context.withOwner(async (client): Promise<ListedToken> => {
    const db = overClient(client)
    if (command.principal !== undefined) await knownPrincipal(db, command.principal)
    const tokens = await listTokens(db, command.principal ?? null)
    // A whole token is taken as well: that is what one has at hand when it has leaked.
    const wanted = /^cmty_[A-Za-z0-9]{8}_/.test(command.token) ? command.token.slice(0, 13) : command.token
    const found = tokens.filter((t) => t.prefix === wanted || t.name === wanted)
    const [one] = found
    if (!one) throw new Refusal(`There is no token with the prefix or name ${wanted}: see comity token list.`)
    if (found.length > 1) {
      const list = found.map((t) => `${t.principal}/${t.name} (${t.prefix})`).join(', ')
      throw new Refusal(`Several tokens are called that, give the prefix or --principal: ${list}.`)
    }
    await removeToken(db, one, systemClock.now())
    return one
  })
  context.err(`token ${token.name} (${token.prefix}) of ${token.principal} revoked`)
  if (token.declared)
    context.err('It came from a topology file: remove it there too, or the next apply makes it again.')
  return EXIT.ok
}
