/** TypeScript types of STIX 2.1 objects, inferred from the tables: no second list that could drift. */
import type {
  EXTENSION_COMMON,
  LANGUAGE_COMMON,
  MARKING_COMMON,
  SCO_COMMON,
  SDO_COMMON,
} from './tables/common.ts'
import type { SCO } from './tables/sco.ts'
import type { SDO } from './tables/sdo.ts'
import type { META, SRO } from './tables/sro-meta.ts'
import type { EXTENSIONS, STRUCTS } from './tables/structs.ts'

type Head<K> = K extends `${infer H} ${string}` ? H : K
type Bare<H> = H extends `${infer B}!` ? B : H
type Argument<K> = K extends `${string} ${infer A}` ? A : never
type IsRequired<K> = Head<K> extends `${string}!` ? true : false

interface Scalars {
  string: string
  boolean: boolean
  integer: number
  number: number
  timestamp: string
  hex: string
  binary: string
  lang: string
  url: string
  charset: string
  enum: string
  vocab: string
  ref: string
  id: string
  any: unknown
  hashes: Record<string, string>
  definition: Record<string, unknown>
  contents: Record<string, Record<string, unknown>>
  container: Record<string, Record<string, unknown>>
}

interface DictionaryValues {
  any: unknown
  string: string
  integer: number
  scalar: string | number
  strings: string[]
}

type Single<B, K> = B extends 'object'
  ? Argument<K> extends keyof typeof STRUCTS
    ? Shape<(typeof STRUCTS)[Argument<K>]['properties']>
    : never
  : B extends 'dict'
    ? Argument<K> extends keyof DictionaryValues
      ? Record<string, DictionaryValues[Argument<K>]>
      : never
    : B extends 'extensions'
      ? Extensions
      : B extends keyof Scalars
        ? Scalars[B]
        : never

type Value<K> = Bare<Head<K>> extends `${infer B}[]` ? Single<B, K>[] : Single<Bare<Head<K>>, K>

type RequiredKeys<P> = { [N in keyof P]: IsRequired<P[N]> extends true ? N : never }[keyof P]

/** An object with the properties of a table: the required ones required. */
export type Shape<P> = { [N in RequiredKeys<P>]: Value<P[N]> } & {
  [N in Exclude<keyof P, RequiredKeys<P>>]?: Value<P[N]>
}

/** The property `extensions`: predefined ones by name, others by id. */
export type Extensions = {
  [N in keyof typeof EXTENSIONS]?: Shape<(typeof EXTENSIONS)[N]['properties']>
} & { [id: `extension-definition--${string}`]: Record<string, unknown> }

type Whole<T, Common, Own> = { type: T } & Omit<Shape<Common>, 'type'> & Shape<Own>

type Domain = {
  [T in keyof typeof SDO]: Whole<T, typeof SDO_COMMON, (typeof SDO)[T]['properties']>
}
type Relationships = {
  [T in keyof typeof SRO]: Whole<T, typeof SDO_COMMON, (typeof SRO)[T]['properties']>
}
type Observables = {
  [T in keyof typeof SCO]: Whole<T, typeof SCO_COMMON, (typeof SCO)[T]['properties']>
}

interface Metas {
  'language-content': Whole<
    'language-content',
    typeof LANGUAGE_COMMON,
    (typeof META)['language-content']['properties']
  >
  'marking-definition': Whole<
    'marking-definition',
    typeof MARKING_COMMON,
    (typeof META)['marking-definition']['properties']
  >
  'extension-definition': Whole<
    'extension-definition',
    typeof EXTENSION_COMMON,
    (typeof META)['extension-definition']['properties']
  >
}

/** Every object type of STIX 2.1 by its name: `StixTypes['indicator']`. */
export type StixTypes = Domain & Relationships & Observables & Metas

/** Any object of a type of the standard. */
export type AnyStixObject = StixTypes[keyof StixTypes]
