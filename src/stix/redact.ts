/** Copies of an object without some of its parts (policy.md §5): what is taken out leaves no trace but a mark. */
import { COMITY_IDENTITY } from './release.ts'
import { readSchema } from './schema-files.ts'
import { parseSelector } from './selectors.ts'

/** Says of a copy that parts of the object are not in it. */
export const REDACTION_EXTENSION = 'extension-definition--2c8e7d4a-93b1-4f0e-8a55-6f1d0b9c3e72'

const CREATED = '2026-11-21T00:00:00.000Z'

/** The text of the extension-definition (STIX 2.1 §7.3). */
export const REDACTION_EXTENSION_DEFINITION: string = JSON.stringify({
  type: 'extension-definition',
  spec_version: '2.1',
  id: REDACTION_EXTENSION,
  created_by_ref: COMITY_IDENTITY,
  created: CREATED,
  modified: CREATED,
  name: 'Redacted copy',
  description:
    'Says of a copy of an object that parts of it, which the reader may not see, have been taken out. It says neither which parts nor how many. The object as its creator made it may have other properties.',
  schema: JSON.stringify(readSchema('redaction-extension')),
  version: '1.0.0',
  extension_types: ['property-extension'],
})

/** Without these an object is not itself: when one would go, there is no copy. */
const IDENTITY: readonly string[] = [
  'type',
  'id',
  'created',
  'modified',
  'spec_version',
  'pattern',
  'pattern_type',
  'source_ref',
  'target_ref',
  'relationship_type',
  'sighting_of_ref',
  'object_marking_refs',
]

type Value = Record<string, unknown>
type Step = string | number

/** A tree of what goes: `all` = the whole part. */
interface Cut {
  all: boolean
  steps: Map<string | number, Cut>
}

const cut = (): Cut => ({ all: false, steps: new Map() })

/**
 * @param selectors parts to take out (STIX 2.1 §7.2.3.1)
 * @param refs references to take out of `object_refs`
 * @param contributing properties that a deterministic id is made of, which may not go either
 * @returns the copy, not yet checked as STIX; null when what makes it itself would go
 */
export function redact(
  value: Value,
  selectors: readonly string[],
  refs: ReadonlySet<string>,
  contributing: readonly string[],
): Value | null {
  const root = cut()
  for (const selector of selectors) {
    const steps = parseSelector(selector)
    if (steps) mark(root, steps)
  }
  if (Array.isArray(value.object_refs)) {
    value.object_refs.forEach((ref, i) => {
      if (typeof ref === 'string' && refs.has(ref)) mark(root, ['object_refs', i])
    })
  }
  const renumbered = new Map<string, string | null>()
  const copy = without(value, root, '', '', renumbered) as Value | undefined
  if (copy === undefined) return null
  for (const name of [...IDENTITY, ...contributing]) {
    if (Object.hasOwn(value, name) && JSON.stringify(copy[name]) !== JSON.stringify(value[name])) return null
  }
  keepMarkings(copy, value, renumbered)
  if (
    value.spec_version === '2.1' ||
    Object.hasOwn(value, 'extensions') ||
    !Object.hasOwn(value, 'created')
  ) {
    const extensions = (copy.extensions ?? {}) as Value
    copy.extensions = {
      ...extensions,
      [REDACTION_EXTENSION]: { extension_type: 'property-extension', redacted: true },
    }
  } else copy.x_comity_redacted = true
  return copy
}

/** Does this text of an object say that parts of it have been taken out? */
export function isRedacted(text: string): boolean {
  const value: Value = JSON.parse(text)
  const extensions = (value.extensions ?? {}) as Value
  return Object.hasOwn(extensions, REDACTION_EXTENSION) || value.x_comity_redacted === true
}

function mark(root: Cut, steps: readonly Step[]): void {
  let at = root
  for (const step of steps) {
    let next = at.steps.get(step)
    if (!next) {
      next = cut()
      at.steps.set(step, next)
    }
    at = next
  }
  at.all = true
}

/** The part without what goes; undefined when nothing is left. Notes where each part that stays has moved to. */
function without(
  part: unknown,
  what: Cut | undefined,
  from: string,
  to: string,
  moved: Map<string, string | null>,
): unknown {
  if (what?.all) {
    moved.set(from, null)
    return undefined
  }
  moved.set(from, to)
  const under = (step: string) => (from === '' ? step : `${from}.${step}`)
  const beneath = (step: string) => (to === '' ? step : `${to}.${step}`)
  if (Array.isArray(part)) {
    const list: unknown[] = []
    part.forEach((item, i) => {
      const left = without(item, what?.steps.get(i), under(`[${i}]`), beneath(`[${list.length}]`), moved)
      if (left !== undefined) list.push(left)
    })
    if (list.length === 0 && part.length > 0) moved.set(from, null)
    return list.length === 0 && part.length > 0 ? undefined : list
  }
  if (typeof part === 'object' && part !== null) {
    const entries: [string, unknown][] = []
    for (const [key, item] of Object.entries(part)) {
      const left = without(item, what?.steps.get(key), under(key), beneath(key), moved)
      if (left !== undefined) entries.push([key, left])
    }
    if (entries.length === 0 && Object.keys(part).length > 0) {
      moved.set(from, null)
      return undefined
    }
    return Object.fromEntries(entries)
  }
  return part
}

/** Granular markings of parts that stayed, with their new places; markings without parts go. */
function keepMarkings(copy: Value, value: Value, moved: ReadonlyMap<string, string | null>): void {
  if (!Array.isArray(value.granular_markings)) return
  const kept = value.granular_markings.flatMap((marking: Value) => {
    const selectors = (Array.isArray(marking.selectors) ? marking.selectors : []).flatMap(
      (selector: unknown) => {
        const place = typeof selector === 'string' ? moved.get(selector) : undefined
        return typeof place === 'string' ? [place] : []
      },
    )
    return selectors.length > 0 ? [{ ...marking, selectors }] : []
  })
  if (kept.length > 0) copy.granular_markings = kept
  else delete copy.granular_markings
}
