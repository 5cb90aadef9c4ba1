/** The two relationship objects, the three meta objects and the bundle (STIX 2.1 §5, §7, §8): their own properties. */
import type { TypeTable } from './table.ts'

export const SRO = {
  relationship: {
    section: '5.1',
    properties: {
      relationship_type: 'string!',
      description: 'string',
      source_ref: 'ref! sdo sco custom',
      target_ref: 'ref! sdo sco custom',
      start_time: 'timestamp',
      stop_time: 'timestamp',
    },
    order: [['stop_time', 'start_time', 'strict']],
  },
  sighting: {
    section: '5.2',
    properties: {
      description: 'string',
      first_seen: 'timestamp',
      last_seen: 'timestamp',
      count: 'integer 0..999999999',
      sighting_of_ref: 'ref! sdo custom',
      observed_data_refs: 'ref[] observed-data',
      where_sighted_refs: 'ref[] identity location',
      summary: 'boolean',
    },
    order: [['last_seen', 'first_seen']],
  },
} as const satisfies Record<string, TypeTable>

export const META = {
  'language-content': {
    section: '7.1',
    properties: { object_ref: 'ref!', object_modified: 'timestamp', contents: 'contents!' },
  },
  'marking-definition': {
    section: '7.2.1',
    properties: { name: 'string', definition_type: 'string', definition: 'definition' },
  },
  'extension-definition': {
    section: '7.3',
    properties: {
      name: 'string!',
      description: 'string',
      schema: 'string!',
      version: 'string!',
      extension_types: 'enum[]! extension-type',
      extension_properties: 'string[]',
    },
  },
} as const satisfies Record<string, TypeTable>

export const BUNDLE = {
  section: '8',
  properties: { type: 'string!', id: 'id!', objects: 'any' },
} as const satisfies TypeTable
