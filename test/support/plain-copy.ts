/** A copy of an object without some parts (policy.md §5), by lists of paths. Written apart from src/stix/redact.ts. */
import { checkObject, REDACTION_EXTENSION } from '../../src/stix/index.ts'
import type { StixObject } from './client.ts'

/** When one of these would go or change, the object is not itself. What marks the copy stays with it too. */
const ITSELF = [
  ...['type', 'id', 'created', 'modified', 'spec_version', 'pattern', 'object_marking_refs'],
  ...['source_ref', 'target_ref', 'sighting_of_ref'],
]

/** Properties that a deterministic id is made of, for the types that the tests use. */
const CONTRIBUTING: Record<string, readonly string[]> = { 'ipv4-addr': ['value'] }

type Children = [name: string, child: unknown][]

/** Names of children as selectors write them. */
function childrenOf(part: unknown): Children | null {
  if (Array.isArray(part)) return part.map((child, i) => [`[${i}]`, child])
  if (typeof part === 'object' && part !== null) return Object.entries(part)
  return null
}

const under = (path: string, name: string) => (path === '' ? name : `${path}.${name}`)

/** @returns the text of the copy; null when it would not be itself, or not STIX */
export function takeOut(
  text: string,
  spec: number,
  selectors: readonly string[],
  refs: ReadonlySet<string>,
): string | null {
  const object: StixObject = JSON.parse(text)
  const gone = new Set(selectors)
  const list = (object.object_refs ?? []) as string[]
  for (const [i, ref] of list.entries()) if (refs.has(ref)) gone.add(`object_refs.[${i}]`)
  emptied(object, '', gone)

  const copy = kept(object, '', gone) as StixObject
  for (const name of [...ITSELF, ...(CONTRIBUTING[object.type] ?? [])]) {
    if (JSON.stringify(copy[name]) !== JSON.stringify(object[name])) return null
  }
  const markings = (object.granular_markings ?? []) as { selectors: string[] }[]
  const left = markings
    .map((marking) => ({
      ...marking,
      selectors: marking.selectors.flatMap((selector) => moved(selector, gone) ?? []),
    }))
    .filter((marking) => marking.selectors.length > 0)
  if (left.length > 0) copy.granular_markings = left
  else delete copy.granular_markings
  if (spec === 20) copy.x_comity_redacted = true
  else {
    const mark = { extension_type: 'property-extension', redacted: true }
    copy.extensions = { ...(copy.extensions as object | undefined), [REDACTION_EXTENSION]: mark }
  }
  return isStix(copy, spec) ? JSON.stringify(copy) : null
}

/** Lists and dictionaries of which everything goes, go. @returns does this part? */
function emptied(part: unknown, path: string, gone: Set<string>): boolean {
  if (gone.has(path)) return true
  const children = childrenOf(part)
  if (!children || children.length === 0) return false
  const left = children.filter(([name, child]) => !emptied(child, under(path, name), gone))
  if (left.length === 0) gone.add(path)
  return left.length === 0
}

function kept(part: unknown, path: string, gone: ReadonlySet<string>): unknown {
  const children = childrenOf(part)?.filter(([name]) => !gone.has(under(path, name)))
  if (!children) return part
  const copies = children.map(([name, child]): [string, unknown] => [
    name,
    kept(child, under(path, name), gone),
  ])
  return Array.isArray(part) ? copies.map(([, child]) => child) : Object.fromEntries(copies)
}

/** Where a part is after the others have gone; null when it has gone itself. */
function moved(selector: string, gone: ReadonlySet<string>): string | null {
  let [from, to] = ['', '']
  for (const step of selector.split('.')) {
    const list = from
    from = under(from, step)
    if (gone.has(from)) return null
    const index = /^\[(\d+)\]$/.exec(step)
    const before = index ? Array.from({ length: Number(index[1]) }, (_, i) => under(list, `[${i}]`)) : []
    const place = before.filter((path) => !gone.has(path)).length
    to = under(to, index ? `[${place}]` : step)
  }
  return to
}

function isStix(copy: StixObject, spec: number): boolean {
  const member = { index: 0, text: JSON.stringify(copy), value: copy, problems: [] }
  const limits = { depth: 100, objectBytes: 1_000_000, idLength: 400 }
  return Boolean(checkObject(member, { specs: [spec === 20 ? 20 : 21], limits }).object)
}
