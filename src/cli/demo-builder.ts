/** Building blocks of the demo's objects: ids that are always the same, times, markings, and one function per kind. */
import { createHash } from 'node:crypto'
import { canonicalText, RELEASE_EXTENSION } from '../stix/index.ts'
import { formatMicros, parseMicros } from '../time.ts'
import type { Marking, ReleaseTerms } from './demo-stories.ts'

export type Stix = Record<string, unknown> & { type: string; id: string }

/** Of the demo's own ids. */
const NAMESPACE = '6a0f2c84-9d17-4b53-8e2f-c71d50b3a946'
/** Of the ids of cyber-observables (STIX 2.1 §2.9). */
const SCO_NAMESPACE = '00abedb4-aa42-466c-9c01-fed23315a9b7'

/** UUIDv5 (RFC 9562 §5.5); 4 as its version gives one that has the form of a random UUID. */
function uuid5(namespace: string, name: string, version = 5): string {
  const space = Buffer.from(namespace.replaceAll('-', ''), 'hex')
  const bytes = createHash('sha1').update(space).update(name, 'utf8').digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4)
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** The id of a domain or relationship object: of version 4, as STIX 2.1 §2.9 asks for, though the same every time. */
export const demoId = (type: string, name: string): string =>
  `${type}--${uuid5(NAMESPACE, `${type} ${name}`, 4)}`

const START = parseMicros('2025-01-01T06:00:00Z') ?? 0n

/** A time in 2025, at STIX's precision of milliseconds. */
export function at(day: number, minute = 0): string {
  const micros = START + BigInt(day * 1440 + minute) * 60_000_000n
  return `${formatMicros(micros).slice(0, 23)}Z`
}

/** One id per level, of TLP 1 or TLP 2 as an author may have it at hand. */
const TLP: Record<Marking, string | null> = {
  white1: 'marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9',
  clear2: 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487',
  green1: 'marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da',
  green2: 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
  amber1: 'marking-definition--f88d31f6-486f-44da-b317-01333bde0b82',
  amber2: 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421',
  strict2: 'marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003',
  'strict-opencti': 'marking-definition--826578e1-40ad-459f-bc73-ede076f81f37',
  red1: 'marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed',
  red2: 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1',
  none: null,
}

/** A marking's id, where it is known to have one. */
export function tlp(marking: Exclude<Marking, 'none'>): string {
  return TLP[marking] as string
}

export const identityId = (organization: string): string => demoId('identity', organization)

/** Everything of one organization under one marking. */
export class Author {
  readonly organization: string
  readonly refs: readonly string[]

  /** @param release a release marking-definition that stands beside the TLP marking */
  constructor(organization: string, marking: Marking, release?: Stix) {
    this.organization = organization
    this.refs = [TLP[marking], release?.id ?? null].filter((ref) => ref !== null)
  }

  get #marked(): object {
    return this.refs.length > 0 ? { object_marking_refs: [...this.refs] } : {}
  }

  /** An SDO or SRO. @param name unique within the demo @param extra also overrides */
  make(type: string, name: string, created: string, extra: Record<string, unknown>): Stix {
    return {
      type,
      spec_version: '2.1',
      id: demoId(type, name),
      created_by_ref: identityId(this.organization),
      created,
      modified: created,
      ...this.#marked,
      ...extra,
    }
  }

  relate(source: Stix, kind: string, target: Stix, created: string): Stix {
    const name = `${source.id} ${kind} ${target.id}`
    const refs = { source_ref: source.id, target_ref: target.id }
    return this.make('relationship', name, created, { relationship_type: kind, ...refs })
  }

  indicator(name: string, created: string, pattern: string, title: string): Stix {
    return this.make('indicator', name, created, {
      name: title,
      description: 'Made up for the demo, on addresses and names that are kept for documentation.',
      indicator_types: ['malicious-activity'],
      pattern,
      pattern_type: 'stix',
      pattern_version: '2.1',
      valid_from: created,
      confidence: 50 + (pattern.length % 45),
    })
  }

  /** An SCO: its id follows from the properties that make it what it is (STIX 2.1 §2.9). */
  observable(type: string, identifying: Record<string, unknown>, extra: Record<string, unknown> = {}): Stix {
    const id = `${type}--${uuid5(SCO_NAMESPACE, canonicalText(identifying))}`
    return { type, spec_version: '2.1', id, ...this.#marked, ...identifying, ...extra }
  }
}

/** A later version. */
export function revise(object: Stix, modified: string, extra: Record<string, unknown>): Stix {
  return { ...object, modified, ...extra }
}

/**
 * A release marking-definition, GREEN itself so that those who receive an object can read what it means.
 * A hidden list has a random id, since one that follows from its content could be guessed (policy.md §2).
 */
export function releaseDefinition(organization: string, terms: ReleaseTerms): Stix {
  const { name, ...conditions } = terms
  const id =
    conditions.disclose_recipients === false
      ? 'marking-definition--b1d7e0a4-53c8-4f2e-9a61-7e0d94c3f58b'
      : demoId('marking-definition', `${organization} ${name}`)
  return {
    type: 'marking-definition',
    spec_version: '2.1',
    id,
    created_by_ref: identityId(organization),
    created: at(30),
    name,
    object_marking_refs: [tlp('green2')],
    extensions: { [RELEASE_EXTENSION]: { extension_type: 'property-extension', ...conditions } },
  }
}
