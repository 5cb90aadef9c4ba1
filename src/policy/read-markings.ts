/** Reads the markings that one part of an object refers to: its level, and the conditions beside it (policy.md §2). */
import {
  type AcsConditions,
  type IepConditions,
  kindOfDefinition,
  RELEASE_EXTENSION,
  readAcs,
  readIep,
  readRelease,
  TLP_BY_ID,
} from '../stix/index.ts'
import { parseMicros } from '../time.ts'
import { type Decisions, type Label, rank, type Tlp } from './model.ts'

/** Finds the marking-definition that a reference names, as the writer may read it; undefined when there is none. */
export type Resolve = (id: string) => Record<string, unknown> | undefined

export interface Part {
  refs: string[]
  selectors: string[] | null
}

/** A marking that does not speak for itself: what an operator decided, or null when it holds the object. */
export interface Judged {
  marking: string
  as: Tlp | 'statement' | null
}

/** Conditions of one marking. A limit narrows, and is no ad-hoc agreement with those that it names. */
export type Release = Omit<Label, 'level' | 'org'> & { limit?: true }

export interface Reading {
  /** The highest level of its TLP markings, and of markings that an operator mapped to one. */
  tlp: Tlp | null
  /** A level of an IEP marking: it raises, and is not a TLP marking. */
  raised: Tlp | null
  releases: Release[]
  /** Time windows that need no TLP marking beside them. */
  windows: Release[]
  warnings: string[]
  judged: Judged[]
  /** Why the first marking that cannot be applied cannot be. */
  problem: string | null
}

/** Reads the references of one part. A marking that cannot be applied is asked about: an operator may have decided. */
export function read(part: Part, resolve: Resolve, decisions: Decisions): Reading {
  const reading: Reading = {
    tlp: null,
    raised: null,
    releases: [],
    windows: [],
    warnings: [],
    judged: [],
    problem: null,
  }
  const levels: Tlp[] = []
  for (const ref of new Set(part.refs)) {
    const known = TLP_BY_ID.get(ref)
    const problem = known ? null : apply(ref, resolve(ref), reading)
    if (known) levels.push(known)
    if (problem === null) continue
    const as = decisions.get(ref) ?? null
    reading.judged.push({ marking: ref, as })
    if (as === null) reading.problem ??= problem
    else if (as !== 'statement') levels.push(as)
  }
  reading.tlp = highest(levels)
  return reading
}

/** Takes over what one definition asks for. @returns why it cannot be applied, if so; then nothing was taken over */
function apply(
  ref: string,
  definition: Record<string, unknown> | undefined,
  reading: Reading,
): string | null {
  if (!definition) {
    return `the marking ${ref} is not known here: send its marking-definition to this collection before the object, or earlier in the same envelope`
  }
  // One definition may carry several of them; all of them count.
  const release = readRelease(definition)
  const acs = readAcs(definition)
  const iep = readIep(definition)
  for (const one of [release, acs, iep])
    if (one && 'problem' in one) return `the marking ${ref} cannot be applied: ${one.problem}`
  if (!release && !acs && !iep && kindOfDefinition(definition) !== 'statement') {
    return `the marking ${ref} is of a kind that this server cannot enforce: use TLP, a statement or ${RELEASE_EXTENSION}`
  }
  const times = [
    ...(release && 'release' in release ? [release.release.notBefore, release.release.notAfter] : []),
    ...(acs && 'countries' in acs ? [acs.notAfter] : []),
    ...(iep && 'tlp' in iep ? [iep.notBefore, iep.notAfter] : []),
  ]
  if (times.some((text) => text != null && at(text) === undefined)) {
    return `the marking ${ref} cannot be applied: it has a time that this server cannot compare`
  }
  if (release && 'release' in release) reading.releases.push(conditions(release.release))
  if (acs && 'countries' in acs) {
    reading.releases.push(limitOf(acs))
    remind(reading, ref, acs.obligations)
  }
  if (iep && 'tlp' in iep) {
    reading.raised = highest([iep.tlp, ...(reading.raised ? [reading.raised] : [])])
    const window = windowOf(iep)
    if (window) reading.windows.push(window)
    remind(reading, ref, iep.obligations)
  }
  return null
}

function remind(reading: Reading, ref: string, obligations: readonly string[]): void {
  if (obligations.length > 0) reading.warnings.push(reminder(ref, obligations))
}

function reminder(ref: string, obligations: readonly string[]): string {
  const shown = obligations.slice(0, 6).join(', ')
  return `${ref} also asks for what this server passes on and cannot enforce: ${shown}`
}

/** What the sender of an ACS or IEP definition should know of it: that it cannot be applied, or what is not enforced. */
export function caveatsOf(definition: Record<string, unknown>): string[] {
  return [readAcs(definition), readIep(definition)].flatMap((one) => {
    if (one === null) return []
    if ('problem' in one) return [`objects with this marking will be refused or held: ${one.problem}`]
    return one.obligations.length > 0 ? [reminder(String(definition.id), one.obligations)] : []
  })
}

function conditions(
  release: Extract<ReturnType<typeof readRelease>, { release: unknown }>['release'],
): Release {
  const notBefore = at(release.notBefore)
  const notAfter = at(release.notAfter)
  return {
    ...(release.releasableTo && { releasableTo: release.releasableTo }),
    ...(release.notReleasableTo && { notReleasableTo: release.notReleasableTo }),
    ...(release.clients && { clients: release.clients }),
    ...(notBefore !== undefined && { notBefore }),
    ...(notAfter !== undefined && { notAfter }),
  }
}

function limitOf({ countries, clients, notAfter: end }: AcsConditions): Release {
  const notAfter = at(end)
  return {
    limit: true,
    ...(countries && { releasableTo: { countries } }),
    ...(clients && { clients }),
    ...(notAfter !== undefined && { notAfter }),
  }
}

function windowOf(iep: IepConditions): Release | null {
  const notBefore = at(iep.notBefore)
  const notAfter = at(iep.notAfter)
  if (notBefore === undefined && notAfter === undefined) return null
  return { ...(notBefore !== undefined && { notBefore }), ...(notAfter !== undefined && { notAfter }) }
}

function at(text: string | null | undefined): number | undefined {
  const micros = text == null ? null : parseMicros(text)
  return micros === null ? undefined : Number(micros)
}

export function highest(levels: readonly Tlp[]): Tlp | null {
  return levels.reduce<Tlp | null>((a, b) => (a === null || rank(b) > rank(a) ? b : a), null)
}
