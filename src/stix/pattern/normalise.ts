/** The canonical value of a constant by what it observes: one host, hash or mailbox in two spellings has one value. */
import { domainToASCII } from 'node:url'
import { parseAddress } from './address.ts'
import type { Constant, ObjectPath } from './ast.ts'
import { fitsHash, hashAlgorithm } from './hashes.ts'

export type ObservableKind =
  | 'ipv4'
  | 'ipv6'
  | 'mac'
  | 'domain'
  | 'url'
  | 'email'
  | 'hash'
  | 'file-name'
  | 'registry-key'
  | 'mutex'
  | 'as-number'
  | 'other'

export interface Normal {
  kind: ObservableKind
  value: string
  /** The hash algorithm, as the vocabulary spells it. */
  algorithm?: string
}

/** What a property of a type observes. */
const KINDS = new Map<string, ObservableKind>([
  ['ipv4-addr:value', 'ipv4'],
  ['ipv6-addr:value', 'ipv6'],
  ['mac-addr:value', 'mac'],
  ['domain-name:value', 'domain'],
  ['url:value', 'url'],
  ['email-addr:value', 'email'],
  ['file:name', 'file-name'],
  ['windows-registry-key:key', 'registry-key'],
  ['mutex:name', 'mutex'],
  ['autonomous-system:number', 'as-number'],
])

/** References to files, whose `name` is a file name. */
const FILE_REFS = new Set(['image_ref', 'body_raw_ref', 'sample_ref', 'contains_refs'])

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/
const HOST = /^(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}$/

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false
  return true
}

/** Lower case, no final dot, labels with other letters in their `xn--` form. */
function domain(text: string): string {
  const lower = text.toLowerCase()
  const bare = lower.length > 1 && lower.endsWith('.') ? lower.slice(0, -1) : lower
  return isAscii(bare) || bare.length > 253 ? bare : domainToASCII(bare) || bare
}

/** The host in its canonical form; the mailbox as it is, because its case may count (RFC 5321 §2.4). */
function email(text: string): string {
  const at = text.lastIndexOf('@')
  return at === -1 ? text : `${text.slice(0, at)}@${domain(text.slice(at + 1))}`
}

function address(text: string): Normal | null {
  const found = parseAddress(text)
  return found && { kind: found.family === 4 ? 'ipv4' : 'ipv6', value: found.text }
}

/** The value of an object behind a reference, whose type the path does not say: by its form. */
function byForm(text: string): Normal {
  const found = address(text)
  if (found) return found
  const lower = text.toLowerCase()
  if (MAC.test(lower)) return { kind: 'mac', value: lower }
  if (text.includes('://')) return { kind: 'url', value: text }
  if (text.includes('@')) return { kind: 'email', value: email(text) }
  if (text.length > 254) return { kind: 'other', value: text }
  const name = domain(text)
  return HOST.test(name) ? { kind: 'domain', value: name } : { kind: 'other', value: text }
}

function byKind(kind: ObservableKind, text: string): Normal {
  switch (kind) {
    case 'ipv4':
    case 'ipv6': {
      const found = address(text)
      return found?.kind === kind ? found : { kind: 'other', value: text }
    }
    case 'mac':
    case 'registry-key':
      return { kind, value: text.toLowerCase() }
    case 'domain':
      return { kind, value: domain(text) }
    case 'email':
      return { kind, value: email(text) }
    default:
      return { kind, value: text }
  }
}

function plain(constant: Constant): string {
  if (constant.kind === 'hex') return constant.text.toLowerCase()
  if (constant.kind === 'integer' || constant.kind === 'float') return String(Number(constant.text) + 0)
  return constant.text
}

/** What a constant at a path observes. Hex digits of hashes are lower case; URLs and names stay as they are. */
export function normalise(path: ObjectPath, constant: Constant): Normal {
  const { steps } = path
  const last = steps.at(-1)
  const name = last?.kind === 'key' ? last.name : ''
  if (constant.kind === 'string' || constant.kind === 'hex') {
    const algorithm = steps.length > 1 ? hashAlgorithm(name) : null
    if (algorithm !== null && fitsHash(algorithm, constant.text)) {
      const value = algorithm.digits === null ? constant.text : constant.text.toLowerCase()
      return { kind: 'hash', value, algorithm: algorithm.name }
    }
  }
  if (steps.length === 1) {
    const kind = KINDS.get(`${path.type}:${name}`)
    if (kind === 'as-number') {
      return { kind: constant.kind === 'integer' ? kind : 'other', value: plain(constant) }
    }
    if (kind !== undefined && constant.kind === 'string') return byKind(kind, constant.text)
  } else if (constant.kind === 'string') {
    let before = steps.at(-2)
    if (before?.kind !== 'key') before = steps.at(-3)
    const reference = before?.kind === 'key' ? before.name : ''
    if (name === 'value' && /_refs?$/.test(reference)) return byForm(constant.text)
    if (name === 'name' && FILE_REFS.has(reference)) return { kind: 'file-name', value: constant.text }
  }
  return { kind: 'other', value: plain(constant) }
}
