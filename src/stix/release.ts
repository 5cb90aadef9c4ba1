/** Country releasability: our property-extension of marking-definitions, read strictly (policy.md §2). */
import { quote } from './finding.ts'
import { readSchema } from './schema-files.ts'
import { timestampKey } from './timestamp.ts'

export const RELEASE_EXTENSION = 'extension-definition--7b1c9e52-6d0f-4a3e-9c57-2f8f0c6e4d11'

/** The identity of this project, creator of the extension-definition. */
export const COMITY_IDENTITY = 'identity--c0417c1e-5b7a-4d3e-8a6f-2d9b1e7f3a10'

const CREATED = '2026-11-21T00:00:00.000Z'

/** The text of the extension-definition, with its JSON Schema inline (STIX 2.1 §7.3). */
export const RELEASE_EXTENSION_DEFINITION: string = JSON.stringify({
  type: 'extension-definition',
  spec_version: '2.1',
  id: RELEASE_EXTENSION,
  created_by_ref: COMITY_IDENTITY,
  created: CREATED,
  modified: CREATED,
  name: 'Release conditions of a marking',
  description:
    'States in a marking-definition to which countries, communities, organizations and persons an object may be released, to which countries it may not, whether clients may see it, and from when until when. It stands beside a TLP marking that is safe alone, and can only narrow it.',
  schema: JSON.stringify(readSchema('release-extension')),
  version: '1.0.0',
  extension_types: ['property-extension'],
})

const AUDIENCES = ['countries', 'communities', 'organizations', 'persons'] as const

export interface Release {
  releasableTo?: {
    countries?: string[]
    communities?: string[]
    organizations?: string[]
    persons?: string[]
  }
  notReleasableTo?: { countries: string[] }
  clients?: 'allowed' | 'denied'
  notBefore?: string
  notAfter?: string
  /** False: only the originator may fetch the definition. */
  discloseRecipients: boolean
}

const PROPERTIES: ReadonlySet<string> = new Set([
  'extension_type',
  'releasable_to',
  'not_releasable_to',
  'clients',
  'not_before',
  'not_after',
  'disclose_recipients',
])

/** Thrown and caught inside this file: the first thing that is wrong ends the reading. */
class Problem extends Error {}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A list of names: present means not empty, and countries are two upper-case letters. */
function names(list: unknown, where: string, countries: boolean): string[] {
  if (!Array.isArray(list) || list.length === 0) {
    throw new Problem(
      `${where} of the release extension must be a list with at least one entry; leave it out otherwise`,
    )
  }
  for (const name of list) {
    if (typeof name !== 'string' || name === '' || name.length > 250) {
      throw new Problem(`${where} of the release extension holds ${quote(name)}, which is no name`)
    }
    if (!countries) continue
    if (name === 'ZZ') throw new Problem(`${where} of the release extension lists ZZ, which is no country`)
    if (!/^[A-Z]{2}$/.test(name)) {
      throw new Problem(
        `${where} of the release extension holds ${quote(name)}; a country is two upper-case letters (ISO 3166-1)`,
      )
    }
  }
  return list as string[]
}

function only(
  object: Record<string, unknown>,
  allowed: readonly string[] | ReadonlySet<string>,
  where: string,
): void {
  const known = new Set(allowed)
  for (const key of Object.keys(object)) {
    if (!known.has(key))
      throw new Problem(
        `${where} has the unknown property ${quote(key)}; it may mean a restriction, so remove it`,
      )
  }
}

function part(
  content: Record<string, unknown>,
  key: string,
  allowed: readonly string[],
): Record<string, unknown> | undefined {
  if (!Object.hasOwn(content, key)) return undefined
  const value = content[key]
  if (!isRecord(value) || Object.keys(value).length === 0) {
    throw new Problem(`${key} of the release extension must be an object with at least one list`)
  }
  only(value, allowed, `${key} of the release extension`)
  return value
}

function instant(content: Record<string, unknown>, key: string): string | undefined {
  if (!Object.hasOwn(content, key)) return undefined
  const value = content[key]
  if (typeof value !== 'string' || timestampKey(value) === null) {
    throw new Problem(
      `${key} of the release extension must be a timestamp such as ${CREATED}, not ${quote(value)}`,
    )
  }
  return value
}

function parse(content: unknown): Release {
  if (!isRecord(content)) throw new Problem('the release extension must be an object')
  only(content, PROPERTIES, 'the release extension')
  if (content.extension_type !== 'property-extension') {
    throw new Problem('extension_type of the release extension must be "property-extension"')
  }
  const release: Release = { discloseRecipients: true }
  const to = part(content, 'releasable_to', AUDIENCES)
  if (to) {
    release.releasableTo = {}
    for (const key of AUDIENCES) {
      if (Object.hasOwn(to, key))
        release.releasableTo[key] = names(to[key], `releasable_to.${key}`, key === 'countries')
    }
  }
  const not = part(content, 'not_releasable_to', ['countries'])
  if (not) release.notReleasableTo = { countries: names(not.countries, 'not_releasable_to.countries', true) }
  if (Object.hasOwn(content, 'clients')) {
    if (content.clients !== 'allowed' && content.clients !== 'denied') {
      throw new Problem('clients of the release extension must be "allowed" or "denied"')
    }
    release.clients = content.clients
  }
  const notBefore = instant(content, 'not_before')
  const notAfter = instant(content, 'not_after')
  if (notBefore !== undefined) release.notBefore = notBefore
  if (notAfter !== undefined) release.notAfter = notAfter
  if (notBefore !== undefined && notAfter !== undefined) {
    if ((timestampKey(notAfter) ?? '') <= (timestampKey(notBefore) ?? '')) {
      throw new Problem('not_after of the release extension must be later than its not_before')
    }
  }
  if (Object.hasOwn(content, 'disclose_recipients')) {
    if (typeof content.disclose_recipients !== 'boolean') {
      throw new Problem('disclose_recipients of the release extension must be true or false')
    }
    release.discloseRecipients = content.disclose_recipients
  }
  if (Object.keys(release).length === 1)
    throw new Problem('the release extension states no condition; add one, or leave it out')
  return release
}

/** Is the UUID of this id a random one (RFC 4122 §4.4)? */
function isRandomId(id: unknown): boolean {
  return (
    typeof id === 'string' &&
    /--[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(id)
  )
}

/** The release conditions of a marking-definition; null when it does not carry our extension. */
export function readRelease(
  definition: Record<string, unknown>,
): { release: Release } | { problem: string } | null {
  const { extensions } = definition
  if (!isRecord(extensions) || !Object.hasOwn(extensions, RELEASE_EXTENSION)) return null
  try {
    const release = parse(extensions[RELEASE_EXTENSION])
    if (!release.discloseRecipients && !isRandomId(definition.id)) {
      throw new Problem(
        'a marking with disclose_recipients false needs a random id (UUIDv4): one that is made from its content can be guessed; make a new id',
      )
    }
    return { release }
  } catch (cause) {
    if (cause instanceof Problem) return { problem: `${cause.message}.` }
    throw cause
  }
}
