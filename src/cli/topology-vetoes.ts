/** Vetoes and opt-outs of a topology file (policy.md §4, §12). */
import type { DeclaredTopology, DeclaredVeto } from '../policy/declared.ts'
import { NO_COUNTRY } from '../policy/model.ts'
import { label } from './topology-principals.ts'
import type { Context } from './topology-roots.ts'
import { Fields, readText, type TextOptions } from './tree-reader.ts'
import type { Tree } from './yaml-tree.ts'

const KEYS = ['country', 'by', 'to', 'level', 'object', 'marking', 'valid_from', 'valid_until', 'reason']
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const OBJECT: TextOptions = {
  max: 300,
  form: [new RegExp(`^[a-z0-9-]{1,250}--${UUID}$`), 'the id of an object, such as indicator-- and a UUID'],
}
const MARKING: TextOptions = {
  form: [new RegExp(`^marking-definition--${UUID}$`), 'marking-definition-- and a UUID'],
}

/** Vetoes in the order of the file; `by` is checked against organizations that may stand anywhere in it. */
export function readVetoes(
  { report, names }: Context,
  items: readonly Tree[],
  organizations: DeclaredTopology['organizations'],
): DeclaredVeto[] {
  const seen = new Map<string, number>()
  return items.map((item) => {
    const fields = new Fields(report, item, label('veto of', item, 'country'), KEYS)
    const { what } = fields
    const country = fields.needText('country')
    if (country === NO_COUNTRY) {
      report.problem(fields.line('country'), `${what}: country: ZZ is no country, expected a declared one`)
    } else names.refer(['country'], country, fields.line('country'), `${what}: country`)
    const by = fields.needText('by')
    names.refer(['organization'], by, fields.line('by'), `${what}: by`)
    const cert = organizations.find((o) => o.id === by)
    if (cert && (cert.kind !== 'national-cert' || cert.country !== country)) {
      report.problem(fields.line('by'), `${what}: by: expected a national-cert of ${country}, ${by} is none`)
    }
    const to = fields.texts('to')
    for (const code of to ?? []) names.refer(['country'], code.text, code.line, `${what}: to`)
    if (to?.length === 0) {
      report.problem(
        fields.line('to'),
        `${what}: to: expected a country, or no to at all, which is everybody`,
      )
    }
    const object = fields.text('object', OBJECT)
    const marking = fields.text('marking', MARKING)
    if (object !== null && marking !== null) {
      report.problem(fields.line('marking'), `${what}: expected object or marking, not both`)
    }
    const [validFrom, validUntil] = [fields.date('valid_from'), fields.date('valid_until')]
    if (validFrom !== null && validUntil !== null && validUntil <= validFrom) {
      report.warning(
        fields.line('valid_until'),
        `${what}: never in force, valid_until is not after valid_from`,
      )
    }
    const veto: DeclaredVeto = {
      country,
      by,
      to: to?.map((code) => code.text).sort() ?? null,
      level: fields.level('level'),
      named: object ?? marking,
      validFrom,
      validUntil,
      reason: fields.needText('reason', { max: 1000 }),
    }
    const key = vetoKey(veto)
    const first = seen.get(key)
    if (first === undefined) seen.set(key, item.line)
    else report.problem(item.line, `${what}: it is here twice, first in line ${first}`)
    return veto
  })
}

/** What a veto is known by: what it refuses, to whom, from when on. */
function vetoKey({ country, by, to, level, named, validFrom }: DeclaredVeto): string {
  return JSON.stringify([country, by, to, level, named, validFrom === null ? null : `${validFrom}`])
}

/** Countries and organizations, each once. */
export function readOptOuts({ report, names }: Context, items: readonly Tree[]): string[] {
  const out = new Set<string>()
  for (const item of items) {
    const who = readText(report, item, 'opt_outs')
    if (who === null) continue
    if (out.has(who)) report.warning(item.line, `opt_outs names ${who} twice`)
    names.refer(['country', 'organization'], who, item.line, 'opt_outs')
    out.add(who)
  }
  return [...out]
}
