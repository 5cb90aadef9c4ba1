/** The little world of the conformance tests: two API roots, four organizations in three countries. */
import { uuid5 } from './stix.ts'

/** A collection's id: a UUIDv4 that is the same in every run. */
function collectionId(name: string): string {
  const u = uuid5(`collection ${name}`)
  return `${u.slice(0, 14)}4${u.slice(15)}`
}

const declare = (alias: string) => ({
  id: collectionId(alias),
  alias,
  path: `/global/collections/${collectionId(alias)}/`,
})

export const READ_WRITE = declare('indicators')
export const READ_ONLY = declare('read-only')
export const WRITE_ONLY = declare('write-only')
export const LISTED_ONLY = declare('listed-only')
export const HIDDEN = declare('hidden')
export const EMPTY = declare('empty')
export const STIX21 = declare('stix21')
/** on_conflict: keep, and replace (T-5.5-05). */
export const KEEP = declare('keep')
export const REPLACE = declare('replace')

/** Same id and alias as READ_WRITE, in the other root. */
export const TWIN = { ...READ_WRITE, path: `/open/collections/${READ_WRITE.id}/` }
/** Readable without credentials, in the root `open`, which is therefore public. */
export const PUBLIC = { ...declare('public'), path: `/open/collections/${collectionId('public')}/` }
/** In the root `open` too, not public. */
export const PRIVATE = { ...declare('private'), path: `/open/collections/${collectionId('private')}/` }

/** An id of the right form that names nothing. */
export const NO_COLLECTION = '0d5e31c5-9b8d-4a7e-8f47-5f0b6a7c8d9e'
export const NO_STATUS = '2d086da7-4bdc-4f91-900e-d77486753710'
export const NO_OBJECT = 'indicator--6d0f2b1c-52ab-4a2f-8e0b-0c6f1f1b7a11'

export const PASSWORD_WITH_COLON = 'pass:word:Ünïcode-€'

export const TOKENS = {
  full: 'tk-full-5f2b8c1e9d7a4f63b0c2e8d1a7f94b36',
  readOnly: 'tk-read-8a1c4e7b2d9f4c05a6e3b7d2f1c80e94',
  oneCollection: 'tk-one-3e9b7d1f5a2c4860b4d8f6e2a1c97053',
} as const

const grant = (to: string, rights: string) => ({
  to,
  read: rights.includes('r'),
  write: rights.includes('w'),
})

interface Declared {
  id: string
  alias: string
}

const collection = (c: Declared, grants: object[], more: object = {}) => ({
  id: c.id,
  alias: c.alias,
  title: `Collection ${c.alias}`,
  description: `For the tests of ${c.alias}`,
  default_marking: 'tlp:clear',
  grants,
  ...more,
})

const SCRATCH = 60

/** Collections that a test may have to itself. */
export const SCRATCHES: readonly { id: string; alias: string; path: string }[] = Array.from(
  { length: SCRATCH },
  (_, i) => declare(`scratch-${String(i).padStart(2, '0')}`),
)

const OPEN = {
  path: 'open',
  title: 'Open exchange',
  collections: [
    collection(TWIN, [grant('mycert', 'rw'), grant('outsider', 'rw')]),
    collection(PUBLIC, [grant('mycert', 'rw'), grant('outsider', 'r')], { public: true }),
    collection(PRIVATE, [grant('mycert', 'rw')]),
  ],
}

const everyone = [grant('mycert', 'rw'), grant('sgcert', 'rw'), grant('guest', 'r')]

/** Takes a collection nobody has used: one per call. */
export function scratches(): () => { id: string; alias: string; path: string } {
  let used = 0
  return () => {
    const next = SCRATCHES[used++]
    if (!next) throw new Error('no scratch collection left: raise SCRATCH in world.ts')
    return next
  }
}

/**
 * The topology file (JSON is YAML). Principals, each with the password `pw-<id>`: `analyst` and `colleague` (MY) have
 * the rights that the collections' names say; `keeper` (SG) reads and writes all of `global`, to seed; `guest` (SG,
 * another organization) reads READ_WRITE, EMPTY, STIX21 and the scratch collections; `lister` (DE) only sees
 * LISTED_ONLY in lists; `outsider` (DE) has rights in the root `open` alone; `nobody` (DE) has none.
 * @param open false: without the root `open`, of which every principal may know, as it holds a public collection
 */
export function topology({ open = true } = {}): string {
  return JSON.stringify({
    countries: [{ code: 'MY' }, { code: 'SG' }, { code: 'DE' }],
    organizations: [
      { id: 'mycert', name: 'MyCERT', country: 'MY', kind: 'national-cert' },
      { id: 'sgcert', name: 'SingCERT', country: 'SG', kind: 'national-cert' },
      { id: 'merlion', name: 'Merlion Bank', country: 'SG', kind: 'organization' },
      { id: 'bsi', name: 'BSI', country: 'DE', kind: 'national-cert' },
    ],
    communities: [],
    principals: [
      {
        id: 'analyst',
        organization: 'mycert',
        kind: 'person',
        password: 'pw-analyst',
        tokens: [
          { name: 'full', value: TOKENS.full },
          { name: 'read-only', value: TOKENS.readOnly, scopes: ['read'] },
          { name: 'one-collection', value: TOKENS.oneCollection, collections: [READ_WRITE.id] },
        ],
      },
      { id: 'colleague', organization: 'mycert', kind: 'person', password: 'pw-colleague' },
      { id: 'keeper', organization: 'sgcert', kind: 'person', password: 'pw-keeper' },
      { id: 'guest', organization: 'merlion', kind: 'person', password: 'pw-guest' },
      { id: 'outsider', organization: 'bsi', kind: 'person', password: 'pw-outsider' },
      { id: 'lister', organization: 'bsi', kind: 'person', password: 'pw-lister' },
      { id: 'nobody', organization: 'bsi', kind: 'service', password: 'pw-nobody' },
      { id: 'colon', organization: 'mycert', kind: 'person', password: PASSWORD_WITH_COLON },
    ],
    agreements: [],
    api_roots: [
      {
        path: 'global',
        title: 'Global exchange',
        default: true,
        description: 'Where the countries meet',
        collections: [
          collection(READ_WRITE, everyone),
          collection(READ_ONLY, [grant('mycert', 'r'), grant('sgcert', 'rw')]),
          collection(WRITE_ONLY, [grant('mycert', 'w'), grant('sgcert', 'rw')]),
          collection(LISTED_ONLY, [grant('mycert', ''), grant('lister', ''), grant('sgcert', 'rw')]),
          collection(HIDDEN, [grant('sgcert', 'rw')]),
          collection(EMPTY, everyone),
          collection(STIX21, everyone, { stix: ['2.1'] }),
          collection(KEEP, everyone, { on_conflict: 'keep' }),
          collection(REPLACE, everyone, { on_conflict: 'replace' }),
          ...SCRATCHES.map((c) => collection(c, everyone)),
        ],
      },
      ...(open ? [OPEN] : []),
    ],
  })
}
