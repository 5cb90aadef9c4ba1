/** The object types of the standard, compiled from the tables, and the judgement of a whole object. */
import { container } from './container.ts'
import type { Check, Context } from './context.ts'
import { extensions } from './extensions.ts'
import { build, embedded, type Judge, judge, specials } from './judge.ts'
import { EMBEDDED_RULES } from './rules-embedded.ts'
import { META_RULES } from './rules-meta.ts'
import { SCO_RULES } from './rules-sco.ts'
import { SDO_RULES } from './rules-sdo.ts'
import {
  EXTENSION_COMMON,
  LANGUAGE_COMMON,
  MARKING_COMMON,
  NOT_APPLICABLE,
  SCO_COMMON,
  SDO_COMMON,
} from './tables/common.ts'
import { SCO } from './tables/sco.ts'
import { SDO } from './tables/sdo.ts'
import { META, SRO } from './tables/sro-meta.ts'
import { STRUCTS } from './tables/structs.ts'
import type { Kind, TypeTable } from './tables/table.ts'
import { isScoObject } from './types.ts'

const NOTHING: TypeTable = { section: '11.2', properties: {} }
const ANY: Check = () => {}

specials.set('id', ANY)
specials.set('any', ANY)
specials.set('contents', ANY)
specials.set('definition', ANY)
specials.set('extensions', extensions)
specials.set('container', container)
for (const [name, table] of Object.entries(STRUCTS)) {
  specials.set(`object ${name}`, embedded(build(name, table, {}, [], EMBEDDED_RULES[name] ?? [], false)))
}

const META_COMMON: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  'language-content': LANGUAGE_COMMON,
  'marking-definition': MARKING_COMMON,
  'extension-definition': EXTENSION_COMMON,
}

const notFor = (type: string): readonly string[] => NOT_APPLICABLE[type] ?? []

const JUDGES: ReadonlyMap<string, Judge> = new Map<string, Judge>([
  ...Object.entries({ ...SDO, ...SRO }).map(
    ([name, table]) =>
      [name, build(name, table, SDO_COMMON, notFor('sdo'), SDO_RULES[name] ?? [], true)] as const,
  ),
  ...Object.entries(SCO).map(
    ([name, table]) =>
      [name, build(name, table, SCO_COMMON, notFor('sco'), SCO_RULES[name] ?? [], true)] as const,
  ),
  ...Object.entries(META).map(
    ([name, table]) =>
      [
        name,
        build(name, table, META_COMMON[name] ?? {}, notFor(name), META_RULES[name] ?? [], true),
      ] as const,
  ),
])

const CUSTOM_SDO = build('', NOTHING, SDO_COMMON, notFor('sdo'), [], true)
const CUSTOM_SCO = build('', NOTHING, SCO_COMMON, notFor('sco'), [], true)

/** The table of a type, with the common properties of its class apart. */
export function isCommonOf(sco: boolean, name: string): boolean {
  return Object.hasOwn(sco ? SCO_COMMON : SDO_COMMON, name)
}

/** Judges a whole STIX 2.1 object of a known or custom type by its table and rules. */
export function judgeObject(object: Record<string, unknown>, type: string, ctx: Context): void {
  ctx.object = object
  ctx.type = type
  ctx.sco = isScoObject(type, object)
  const known = JUDGES.get(type)
  judge(known ?? (ctx.sco ? CUSTOM_SCO : CUSTOM_SDO), object, ctx, known === undefined)
}
