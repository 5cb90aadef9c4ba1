/** Random match fields for random worlds, and what they mean, written apart from the index. */
import type { StixObject } from './client.ts'
import type { Random } from './random.ts'
import { OBJECT_IDS } from './random-objects.ts'
import { TLP } from './stix.ts'

export interface Asked {
  field: string
  values: string[]
}

const VALUES: Record<string, readonly string[]> = {
  name: ['name 0', 'name 1', 'nobody has it'],
  labels: ['a', 'b', 'malicious-activity', 'nobody has it'],
  tlp: ['white', 'clear', 'green', 'amber', 'amber%2Bstrict', 'red'],
  value: ['192.0.2.1', '192.0.2.2'],
  relationship_type: ['related-to', 'uses'],
  sectors: ['energy'],
  context: ['unspecified'],
  source_name: ['a source'],
  revoked: ['false', 'true'],
  'relationships-all': [...OBJECT_IDS, TLP.green as string],
  'modified-gte': ['2026-03-01T00:00:00Z', '2026-04-01T00:00:00.123456Z', '2026-04-01T00:00:00.123457Z'],
  'modified-lte': ['2026-03-01T00:00:00Z', '2026-04-01T00:00:00.123456Z', '2026-04-01T00:00:00.123455Z'],
  'valid_from-lte': ['2025-12-31T23:59:59Z', '2026-01-01T00:00:00Z', '2100-01-01T00:00:00Z'],
}

/** One to three fields, each once. */
export function randomMatches(random: Random): Asked[] {
  const names = new Set(Array.from({ length: 1 + random.below(3) }, () => random.pick(Object.keys(VALUES))))
  return [...names].map((field) => {
    const among = VALUES[field] as readonly string[]
    const most = /-[gl]te$/.test(field) ? 1 : 2
    return { field, values: [...new Set(Array.from({ length: most }, () => random.pick(among)))] }
  })
}

export const asQuery = (asked: readonly Asked[]): string =>
  asked.map(({ field, values }) => `match[${field}]=${values.join()}`).join('&')

function refsIn(part: unknown, under = ''): string[] {
  if (typeof part === 'string') return /_refs?$/.test(under) ? [part] : []
  if (Array.isArray(part)) return part.flatMap((item) => refsIn(item, under))
  if (typeof part === 'object' && part !== null)
    return Object.entries(part).flatMap(([name, item]) => refsIn(item, name))
  return []
}

/** Does a reader's copy of an object have what was asked for? */
export function has(object: StixObject, { field, values }: Asked): boolean {
  const instant = (text: unknown) => BigInt(`${text}`.replace(/\D/g, '').padEnd(23, '0'))
  const [of = '', side] = field.split(/-(?=[gl]te$)/)
  if (side) {
    if (object[of] === undefined) return false
    const [a, b] = [instant(object[of]), instant(values[0])]
    return side === 'gte' ? a >= b : a <= b
  }
  const own = ((): unknown[] => {
    switch (field) {
      case 'relationships-all':
        return refsIn(object)
      case 'source_name':
        return ((object.external_references ?? []) as { source_name: string }[]).map((r) => r.source_name)
      case 'tlp': {
        const marks = (object.object_marking_refs ?? []) as string[]
        return Object.entries(TLP).flatMap(([level, id]) =>
          marks.includes(id) ? [level.replace('+', '%2B'), ...(level === 'clear' ? ['white'] : [])] : [],
        )
      }
      default:
        return [object[field] ?? []].flat().map(String)
    }
  })()
  return values.some((value) => own.includes(value))
}
