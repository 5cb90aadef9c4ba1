/** Reads the small world and its cases (`test/matrix/*.json`) into the types of the policy. */
import { readFileSync } from 'node:fs'
import type {
  AudienceRecord,
  Label,
  Level,
  Organization,
  Principal,
  Subject,
  Tlp,
  Topology,
  Veto,
} from '../../src/policy/model.ts'
import { type Micros, parseMicros } from '../../src/time.ts'

export interface WorldFile {
  countries: { code: string; clearance: Tlp | null; adhoc_release: boolean }[]
  organizations: {
    id: string
    country: string
    kind: Organization['kind']
    clearance: Tlp | null
    clients: string[]
  }[]
  communities: { id: string; members: string[] }[]
  principals: {
    id: string
    organization: string
    kind?: Principal['kind']
    clearance?: Tlp
    custodian?: boolean
    active?: boolean
  }[]
  agreements: {
    from: string
    to: string
    max_tlp: Tlp
    recipients: 'national-cert' | 'all'
    clients: boolean
    signed: string[]
    valid_from?: string | null
    valid_until?: string | null
  }[]
  vetoes?: VetoFile[]
  baseline: { max_tlp: Tlp; members: 'all' | string[]; opted_out?: string[] }
}

export interface VetoFile {
  country: string
  to?: string[]
  level?: Tlp
  named?: string
  valid_from?: string
  valid_until?: string
}

/** Sections that replace those of world.json; `organizations+` replaces single organizations. */
export type Overrides = Partial<WorldFile> & { 'organizations+'?: WorldFile['organizations'] }

export interface LabelFile {
  level: Level
  org: string
  releasable_to?: Label['releasableTo'] | null
  not_releasable_to?: { countries: string[] } | null
  clients?: 'denied' | 'allowed' | null
  not_before?: string | null
  not_after?: string | null
  named?: string[] | null
}

export interface CaseFile {
  name: string
  clause: string
  world?: Overrides
  label?: LabelFile
  labels?: LabelFile[]
  later?: { labels: LabelFile[]; at?: string }[]
  submitter?: string
  held?: boolean
  now?: string
  yes: string[]
  no: string[]
}

/** Parses one file of `test/matrix`, found from `build/test/matrix`. */
export function matrixFile<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../test/matrix/${name}`, import.meta.url), 'utf8')) as T
}

export function time(text: string): Micros {
  const at = parseMicros(text)
  if (at === null) throw new Error(`not a time: ${text}`)
  return at
}

export function topologyOf(file: WorldFile, overrides: Overrides = {}): Topology {
  const { 'organizations+': replaced = [], ...sections } = overrides
  const world: WorldFile = { ...file, ...sections }
  const organizations = [...world.organizations, ...replaced]
  return {
    countries: new Map(
      world.countries.map((c) => [
        c.code,
        { code: c.code, clearance: c.clearance, adhocRelease: c.adhoc_release },
      ]),
    ),
    organizations: new Map(
      organizations.map((o) => [o.id, { ...o, name: o.id, clients: new Set(o.clients) }]),
    ),
    communities: new Map(
      world.communities.map((c) => [c.id, { id: c.id, title: c.id, members: new Set(c.members) }]),
    ),
    principals: new Map(
      world.principals.map((p) => [
        p.id,
        { kind: 'person', clearance: null, custodian: false, active: true, changed: 0n, ...p },
      ]),
    ),
    agreements: world.agreements.map((a) => ({
      source: a.from,
      target: a.to,
      maxTlp: a.max_tlp,
      recipients: a.recipients,
      clients: a.clients,
      validFrom: a.valid_from ? time(a.valid_from) : null,
      validUntil: a.valid_until ? time(a.valid_until) : null,
      signed: a.signed,
    })),
    vetoes: (world.vetoes ?? []).map(vetoOf),
    baseline: {
      optedOut: new Set(world.baseline.opted_out ?? []),
      maxTlp: world.baseline.max_tlp,
      members: world.baseline.members === 'all' ? null : new Set(world.baseline.members),
    },
  }
}

export function vetoOf(file: VetoFile): Veto {
  return {
    id: 'veto',
    country: file.country,
    by: 'mycert',
    to: file.to ?? null,
    level: file.level ?? null,
    named: file.named ?? null,
    validFrom: file.valid_from ? time(file.valid_from) : null,
    validUntil: file.valid_until ? time(file.valid_until) : null,
  }
}

export function labelOf(file: LabelFile): Label {
  return {
    level: file.level,
    org: file.org,
    ...(file.releasable_to ? { releasableTo: file.releasable_to } : {}),
    ...(file.not_releasable_to ? { notReleasableTo: file.not_releasable_to } : {}),
    ...(file.clients ? { clients: file.clients } : {}),
    ...(file.not_before ? { notBefore: Number(time(file.not_before)) } : {}),
    ...(file.not_after ? { notAfter: Number(time(file.not_after)) } : {}),
    ...(file.named ? { named: file.named } : {}),
  }
}

export function audienceOf(file: CaseFile): AudienceRecord {
  return {
    own: (file.labels ?? (file.label ? [file.label] : [])).map(labelOf),
    submitter: file.submitter ?? 'somebody-else',
    ...(file.later
      ? {
          later: file.later.map((l) => ({
            labels: l.labels.map(labelOf),
            ...(l.at ? { at: Number(time(l.at)) } : {}),
          })),
        }
      : {}),
    ...(file.held ? { held: true } : {}),
  }
}

/** `anonymous`, `mycert-ann`, or `mycert-ann@green` for a credential with a cap. */
export function subjectOf(topology: Topology, reader: string): Subject | null {
  if (reader === 'anonymous') return null
  const [id = '', cap = null] = reader.split('@')
  const principal = topology.principals.get(id)
  if (!principal) throw new Error(`no such reader: ${reader}`)
  const organization = topology.organizations.get(principal.organization)
  if (!organization) throw new Error(`no such organization: ${principal.organization}`)
  return { principal, organization, cap: cap as Tlp | null }
}

/** Anonymous and every principal, through a credential of each cap. */
export function readersOf(topology: Topology, caps: readonly (Tlp | null)[]): (Subject | null)[] {
  const readers: (Subject | null)[] = [null]
  for (const id of topology.principals.keys())
    for (const cap of caps) readers.push(subjectOf(topology, cap ? `${id}@${cap}` : id))
  return readers
}
