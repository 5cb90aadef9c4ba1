/** One object against the copies that its writer can see: new, already present, a new version, or refused. */
import { changedCreation, type StixObject } from '../stix/index.ts'
import type { Stored } from '../store/write-items.ts'
import type { Micros } from '../time.ts'
import { failure, named, type Outcome, success } from './outcome.ts'
import type { Candidate, Writer } from './prepare-objects.ts'

/** One object that will be appended. */
export interface Draft {
  candidate: Candidate
  /** Position and name of the stored copy whose place it takes (on_conflict: replace). */
  replaces: bigint | null
  accepted: bigint | null
}

/** A copy to collide with: stored, or earlier in this batch. */
export interface Known {
  organization: string
  spec: number
  versionKey: string | null
  version: string
  hash: string
  standard: boolean
  position: bigint | null
  accepted: bigint | null
  /** Index among the items to append, if it is one of them. */
  item: number | null
  /** The object itself, where the next version has to be compared with it. */
  value: Record<string, unknown> | null
}

export function fromStored(row: Stored): Known {
  return {
    organization: row.organization,
    spec: row.spec,
    versionKey: row.version_key,
    version: row.version,
    hash: row.hash.toString('hex'),
    standard: row.standard,
    position: row.position,
    accepted: row.accepted,
    item: null,
    value: row.body === null ? null : (JSON.parse(row.body) as Record<string, unknown>),
  }
}

/** The rules of policy.md §9 and TAXII 2.1 §5.5 for one object against the copies that its writer can see. */
export function decide(
  candidate: Candidate,
  known: Known[],
  items: Draft[],
  writer: Writer,
  tampered: string[],
  requested: Micros,
): Outcome {
  const { object } = candidate
  const detail = named(object, requested)
  const organization = writer.subject.organization.id
  const own = known.filter((copy) => copy.organization === organization && !copy.standard)
  const others = known.filter((copy) => copy.organization !== organization)
  const append = (replaced: Known | null, warnings: readonly string[] = []): Outcome => {
    const message = [...warnings, ...candidate.labelled.warnings].join('; ')
    if (replaced && replaced.item !== null) {
      // Replaces one of this very batch: the later content takes its place before it is stored.
      items[replaced.item] = { ...(items[replaced.item] as Draft), candidate }
      replaced.hash = object.hash
      replaced.value = object.value
      return success({ ...detail, ...(message && { message }) })
    }
    items.push({ candidate, replaces: replaced?.position ?? null, accepted: replaced?.accepted ?? null })
    if (replaced) known.splice(known.indexOf(replaced), 1)
    known.push({
      organization,
      spec: object.spec,
      versionKey: object.versionKey,
      version: object.version ?? '',
      hash: object.hash,
      standard: false,
      position: null,
      accepted: null,
      item: items.length - 1,
      value: object.sco ? null : object.value,
    })
    const version = object.version ?? ''
    return { ...success({ id: object.id, version, ...(message && { message }) }), appended: items.length - 1 }
  }
  const present = (copy: Known): Outcome => {
    const outcome = success({ id: object.id, version: copy.version, message: 'already present' })
    return copy.version === '' && copy.item !== null ? { ...outcome, appended: copy.item } : outcome
  }

  if (object.versionKey === null) {
    // An SCO (or another object without versions): one chain per organization, the latest counts.
    const latest = own.reduce<Known | null>((a, b) => (a === null || later(b, a) ? b : a), null)
    return latest && latest.hash === object.hash ? present(latest) : append(null)
  }
  const same = own.find((copy) => copy.spec === object.spec && copy.versionKey === object.versionKey)
  if (object.type === 'marking-definition' && own[0]) {
    const equal = own.find((copy) => copy.hash === object.hash)
    if (equal) return present(equal)
    tampered.push(object.id)
    return failure(
      detail,
      'a marking-definition never changes, and this id is stored with other content: make a new one with a new id',
    )
  }
  if (same) {
    if (same.hash === object.hash) return present(same)
    if (writer.collection.onConflict === 'keep')
      return success({ id: object.id, version: same.version, message: 'already present' })
    if (writer.collection.onConflict === 'replace') return append(same)
    tampered.push(object.id)
    return failure(
      { id: object.id, version: same.version },
      'this version is stored with other content: give the changed object a later modified',
    )
  }
  if (own.length === 0 && others.length > 0) {
    const equal = others.find(
      (copy) =>
        copy.spec === object.spec && copy.versionKey === object.versionKey && copy.hash === object.hash,
    )
    return equal
      ? present(equal)
      : failure(detail, 'only its creator may version it: another organization has sent this object')
  }
  const lineage = succeeds(own, object)
  if (lineage.refused) return failure(detail, lineage.refused)
  if (lineage.warnings.length > 0 && writer.collection.strict) {
    return failure(detail, `${lineage.warnings.join('; ')}: this collection is strict`)
  }
  return append(null, lineage.warnings)
}

/**
 * May this be a version of what its organization has already sent (STIX 2.1 §3.2, §3.5, §3.6)? Nothing follows a
 * revoked version. Published feeds send revoked objects once more, still revoked, and change properties of creation:
 * that only warns.
 */
function succeeds(own: readonly Known[], object: StixObject): { refused?: string; warnings: string[] } {
  const latest = own.reduce<Known | null>(
    (a, b) => (b.value && (a === null || (b.versionKey ?? '') > (a.versionKey ?? '')) ? b : a),
    null,
  )
  if (!latest?.value) return { warnings: [] }
  const warnings: string[] = []
  if (latest.value.revoked === true && (object.versionKey ?? '') > (latest.versionKey ?? '')) {
    if (object.value.revoked !== true) {
      const refused = `this object is revoked since version ${latest.version} and takes no later one: make a new object`
      return { refused, warnings }
    }
    warnings.push(`this object is revoked since version ${latest.version} and should take no later one`)
  }
  for (const name of changedCreation(latest.value, object.value)) {
    warnings.push(`${name} differs from that of version ${latest.version} and should never change`)
  }
  return { warnings }
}

/** Is a later than b? What this batch appends comes after everything stored. */
function later(a: Known, b: Known): boolean {
  if (a.item !== null || b.item !== null) return (a.item ?? -1) > (b.item ?? -1)
  return (a.versionKey ?? '') > (b.versionKey ?? '')
}
