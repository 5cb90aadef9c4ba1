/** JSON Schemas (draft 2020-12) from the tables: what `schemas/stix-2.1` and `schemas/stix-2.0` hold. */
import {
  END,
  list,
  NAME,
  type Needed,
  ofKind,
  pattern,
  reference,
  type Schema,
  TIME,
  UUID,
} from './schema-kinds.ts'
import {
  EXTENSION_COMMON,
  LANGUAGE_COMMON,
  MARKING_COMMON,
  NOT_APPLICABLE,
  RESERVED,
  SCO_COMMON,
  SDO_COMMON,
} from './tables/common.ts'
import { SCO } from './tables/sco.ts'
import { SDO } from './tables/sdo.ts'
import { META, SRO } from './tables/sro-meta.ts'
import { EXTENSION_HOST, EXTENSIONS, STRUCTS } from './tables/structs.ts'
import { type Kind, requiredOf, type TypeTable } from './tables/table.ts'

const either = (...names: string[]): Schema => ({ oneOf: names.map((name) => ({ required: [name] })) })
const needs = (name: string, ...others: string[]): Schema => ({ [name]: others })

/** Rules between properties that a schema can state. */
const BETWEEN: Readonly<Record<string, Schema>> = {
  'observed-data': either('objects', 'object_refs'),
  artifact: {
    ...either('payload_bin', 'url'),
    dependentRequired: { ...needs('url', 'hashes'), ...needs('decryption_key', 'encryption_algorithm') },
  },
  'granular-marking': either('lang', 'marking_ref'),
  'email-mime-part': either('body', 'body_raw_ref'),
  location: {
    anyOf: [{ required: ['region'] }, { required: ['country'] }, { required: ['latitude'] }],
    dependentRequired: {
      ...needs('latitude', 'longitude'),
      ...needs('longitude', 'latitude'),
      ...needs('precision', 'latitude', 'longitude'),
    },
  },
  'marking-definition': {
    anyOf: [{ required: ['extensions'] }, { required: ['definition_type', 'definition'] }],
  },
  directory: { dependentRequired: needs('path_enc', 'path') },
  file: { dependentRequired: needs('name_enc', 'name') },
  'windows-pebinary-ext': { minProperties: 2 },
}

function alternatives(name: string, table: TypeTable): Schema {
  if (!table.some) return {}
  const names = table.some === 'own' ? Object.keys(table.properties) : [...table.some]
  if (table.some === 'own' && (name === 'process' || name === 'user-account')) names.push('extensions')
  return { anyOf: names.map((property) => ({ required: [property] })) }
}

function structure(name: string, table: TypeTable, needed: Needed): Schema {
  const properties: Schema = {}
  for (const [property, kind] of Object.entries(table.properties)) properties[property] = ofKind(kind, needed)
  const required = requiredOf(table.properties)
  return {
    description: `STIX 2.1 §${table.section}.`,
    type: 'object',
    ...(required.length > 0 ? { required } : {}),
    properties,
    ...alternatives(name, table),
    ...BETWEEN[name],
  }
}

function extensionsOf(type: string, needed: Needed): Schema {
  const properties: Schema = {}
  for (const [name, host] of Object.entries(EXTENSION_HOST)) {
    if (host === type) properties[name] = structure(name, EXTENSIONS[name as keyof typeof EXTENSIONS], needed)
  }
  const cyber = Object.hasOwn(SCO, type) || type === 'custom-sco'
  const keys = cyber
    ? `(?:extension-definition--${UUID}|[a-z][a-z0-9-]{1,245}-ext)`
    : `extension-definition--${UUID}`
  needed.add('value')
  return {
    type: 'object',
    minProperties: 1,
    propertyNames: { pattern: `^${keys}${END}` },
    properties,
    additionalProperties: {
      type: 'object',
      minProperties: 1,
      additionalProperties: { $ref: '#/$defs/value' },
    },
  }
}

const VALUE: Schema = {
  description: 'Any value, without null at any depth; empty lists and objects are only warned of.',
  anyOf: [
    { type: ['string', 'number', 'boolean'] },
    { type: 'array', items: { $ref: '#/$defs/value' } },
    { type: 'object', additionalProperties: { $ref: '#/$defs/value' } },
  ],
}

function definitions(needed: Needed): Schema {
  const defs: Schema = {}
  // Embedded types may need others, which are then visited too.
  for (const name of needed) {
    defs[name] = name === 'value' ? VALUE : structure(name, STRUCTS[name as keyof typeof STRUCTS], needed)
  }
  return Object.fromEntries(Object.entries(defs).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function whole(
  type: string,
  table: TypeTable,
  common: Readonly<Record<string, Kind>>,
  excluded: readonly string[],
  custom = false,
): Schema {
  const needed: Needed = new Set(['value'])
  const all = { ...common, ...table.properties }
  const properties: Schema = {}
  for (const [name, kind] of Object.entries(all)) {
    if (name === 'type')
      properties.type = custom ? pattern(NAME, 'A type name of your own.') : { const: type }
    else if (name === 'id') {
      properties.id = custom
        ? pattern(`${NAME}--${UUID}`, 'type--UUID')
        : pattern(`${type}--${UUID}`, `${type}--UUID`)
    } else if (name === 'spec_version') properties[name] = { const: '2.1' }
    else if (name === 'extensions') properties[name] = extensionsOf(type, needed)
    else properties[name] = ofKind(kind, needed)
  }
  for (const name of [...excluded, ...RESERVED])
    if (!Object.hasOwn(properties, name)) properties[name] = false
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:stix2-validator:2.1:${type}`,
    title: type,
    description: `STIX 2.1 §${table.section}. Generated from the tables; what a schema cannot state, the validator checks.`,
    type: 'object',
    required: requiredOf(all),
    propertyNames: { pattern: `^(?:id|[a-z][a-z0-9_]{2,249})${END}` },
    properties,
    additionalProperties: { $ref: '#/$defs/value' },
    ...alternatives(type, table),
    ...BETWEEN[type],
    $defs: definitions(needed),
  }
}

const META_COMMON: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  'language-content': LANGUAGE_COMMON,
  'marking-definition': MARKING_COMMON,
  'extension-definition': EXTENSION_COMMON,
}

/** STIX 2.0 takes no other. */
const UUID_4 = UUID.replace('[1-5]', '4')

const CUSTOM: TypeTable = { section: '11.2', properties: {} }

function bundle(version: '2.0' | '2.1'): Schema {
  const old = version === '2.0'
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:stix2-validator:${version}:bundle`,
    title: 'bundle',
    description: old
      ? 'STIX 2.0 Part 1 §5.'
      : 'STIX 2.1 §8. Each object has a schema of its own, by its type.',
    type: 'object',
    required: old ? ['type', 'id', 'spec_version'] : ['type', 'id'],
    properties: {
      type: { const: 'bundle' },
      id: old ? pattern(`bundle--${UUID_4}`, 'bundle--UUIDv4') : pattern(`bundle--${UUID}`, 'bundle--UUID'),
      ...(old ? { spec_version: { const: '2.0' } } : {}),
      objects: list({ type: 'object', required: ['type'] }),
    },
  }
}

function object20(): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:stix2-validator:2.0:object',
    title: 'object',
    description:
      'The frame of any STIX 2.0 object (Part 1 §3.1); the validator warns of what a type lacks beside it.',
    type: 'object',
    required: ['type', 'id', 'created'],
    properties: {
      type: pattern(NAME, 'A type name.'),
      id: pattern(`${NAME}--${UUID_4}`, 'type--UUIDv4'),
      created: pattern(`${TIME}\\.[0-9]{3}Z`, 'A timestamp with milliseconds.'),
      modified: pattern(`${TIME}\\.[0-9]{3}Z`, 'A timestamp with milliseconds.'),
      created_by_ref: reference(['identity']),
      object_marking_refs: list(reference(['marking-definition'])),
    },
    additionalProperties: { $ref: '#/$defs/value' },
    $defs: { value: VALUE },
  }
}

/** All schemas, by their path under `schemas/`. */
export function buildSchemas(): Map<string, Schema> {
  const files = new Map<string, Schema>()
  const none: readonly string[] = []
  const add = (type: string, schema: Schema): void => {
    files.set(`stix-2.1/${type}.json`, schema)
  }
  const excluded = (type: string): readonly string[] => NOT_APPLICABLE[type] ?? none
  for (const [type, table] of Object.entries({ ...SDO, ...SRO })) {
    add(type, whole(type, table, SDO_COMMON, excluded('sdo')))
  }
  for (const [type, table] of Object.entries(SCO)) add(type, whole(type, table, SCO_COMMON, excluded('sco')))
  for (const [type, table] of Object.entries(META)) {
    add(type, whole(type, table, META_COMMON[type] ?? {}, excluded(type)))
  }
  add('custom-object', whole('custom-object', CUSTOM, SDO_COMMON, excluded('sdo'), true))
  add('custom-sco', whole('custom-sco', CUSTOM, SCO_COMMON, excluded('sco'), true))
  add('bundle', bundle('2.1'))
  files.set('stix-2.0/object.json', object20())
  files.set('stix-2.0/bundle.json', bundle('2.0'))
  return files
}

/** The text of a schema file. */
export function schemaText(schema: Schema): string {
  return `${JSON.stringify(schema, null, 2)}\n`
}
