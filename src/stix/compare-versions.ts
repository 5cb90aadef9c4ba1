/** What two versions of one object show, for the store to decide (STIX 2.1 §3.5, §3.6). Pure. */
import { canonicalText } from './canonical.ts'
import { isRecord } from './context.ts'
import { compareInstants, fractionDigits } from './instant.ts'

export interface VersionComparison {
  /** Do both have the same id? If not, nothing else means anything. */
  sameId: boolean
  /** Is the incoming object older, newer, or the same instant? Null when one states no version (an SCO). */
  order: 'older' | 'same' | 'newer' | null
  /** Same instant, but other text of the timestamp. */
  respelled: boolean
  /** Equal in content: JCS with the version timestamps as instants. */
  sameContent: boolean
  /** The same version with other content, which the standard forbids. */
  conflict: boolean
  /** Properties of creation that differ, which no version may change. */
  changedCreation: ('created' | 'created_by_ref')[]
  /** Newer than a stored version that is revoked. */
  afterRevoked: boolean
}

function versionOf(object: Record<string, unknown>): string | null {
  const stated = Object.hasOwn(object, 'modified')
    ? object.modified
    : Object.hasOwn(object, 'created')
      ? object.created
      : undefined
  return typeof stated === 'string' && fractionDigits(stated) >= 0 ? stated : null
}

function sameInstant(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'string' || typeof b !== 'string') return false
  return fractionDigits(a) >= 0 && fractionDigits(b) >= 0 && compareInstants(a, b) === 0
}

/** Properties of creation that differ between two versions of one object (STIX 2.1 §3.2, §3.5). */
export function changedCreation(
  stored: Record<string, unknown>,
  incoming: Record<string, unknown>,
): ('created' | 'created_by_ref')[] {
  const changed: ('created' | 'created_by_ref')[] = []
  if (!sameInstant(stored.created, incoming.created)) changed.push('created')
  if (stored.created_by_ref !== incoming.created_by_ref) changed.push('created_by_ref')
  return changed
}

/** What there is to say of values that are no objects of JSON: nothing. */
function incomparable(): VersionComparison {
  return {
    sameId: false,
    order: null,
    respelled: false,
    sameContent: false,
    conflict: false,
    changedCreation: [],
    afterRevoked: false,
  }
}

/**
 * Compares a stored version with an incoming one. Never throws: of what is no object of JSON, the result says that
 * nothing is the same, or known.
 *
 * @example compareVersions(stored, incoming).conflict // same id and version, other content
 */
export function compareVersions(
  stored: Record<string, unknown>,
  incoming: Record<string, unknown>,
): VersionComparison {
  try {
    return isRecord(stored) && isRecord(incoming) ? compared(stored, incoming) : incomparable()
  } catch {
    // Proxies, bigints, and values that hold themselves.
    return incomparable()
  }
}

function compared(stored: Record<string, unknown>, incoming: Record<string, unknown>): VersionComparison {
  const before = versionOf(stored)
  const after = versionOf(incoming)
  const difference = before === null || after === null ? null : compareInstants(after, before)
  const order = difference === null ? null : difference < 0 ? 'older' : difference > 0 ? 'newer' : 'same'
  const sameContent = canonicalText(stored) === canonicalText(incoming)
  return {
    sameId: stored.id === incoming.id,
    order,
    respelled: order === 'same' && before !== after,
    sameContent,
    conflict: order === 'same' && !sameContent,
    changedCreation: changedCreation(stored, incoming),
    afterRevoked: order === 'newer' && stored.revoked === true,
  }
}
