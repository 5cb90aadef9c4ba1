/** The delivery ledger: who received what of the caller's organization, signed heads, proofs (policy.md §13). */
import { Type } from 'typebox'
import { listEntries, listHeads, proveEntry, publicKey } from '../../sharing/ledger.ts'
import { said } from './describe.ts'
import { closed, operation, PAGE, pageOf } from './operation.ts'
import { objectId } from './release-schemas.ts'

const tag = 'Ledger'
const time = Type.String({ format: 'date-time' })
const digest = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 in hexadecimal.' })
const orNull = <T extends ReturnType<typeof Type.String>>(schema: T) => Type.Union([schema, Type.Null()])

const entry = closed({
  at: time,
  until: Type.String({
    format: 'date-time',
    description: 'When the last of its pages left. Without `chain` an item is one answer, and this is `at`.',
  }),
  principal: orNull(Type.String({ description: 'Who received it; null: anonymous.' })),
  organization: orNull(Type.String({ description: 'Its organization.' })),
  token: orNull(Type.String({ description: 'Id of the API token that it used; null: none.' })),
  root: Type.String(),
  collection: Type.String(),
  rule: orNull(
    Type.String({
      description:
        'What let it read, such as `agreement MY>SG`. Without `chain`, by the markings of the objects alone; null: it was not kept.',
    }),
  ),
  count: Type.Integer({ description: 'Object versions; of those that the caller may see, without `chain`.' }),
  objects: Type.Array(closed({ id: Type.String(), version: Type.String() }), {
    maxItems: 100,
    description: 'Those that the caller may see, the first 100.',
  }),
  objects_left_out: Type.Integer({ description: 'How many more the caller may see.' }),
  chain: Type.Optional(
    closed(
      {
        seq: Type.Integer(),
        country: Type.String(),
        sealed: time,
        audience: Type.Integer(),
        marks_rule: orNull(
          Type.String({ description: '`rule` by the markings alone; null in entries of an earlier form.' }),
        ),
        epoch: Type.Integer(),
        revision: Type.Integer(),
        first: time,
        last: time,
        runs: Type.String(),
        pages: orNull(
          Type.String({ description: 'When its pages left; null in entries of an earlier form.' }),
        ),
        previous: digest,
        hash: digest,
      },
      'Its place in the chain: for custodians with the clearance RED and without a cap.',
    ),
  ),
})

const head = closed({
  organization: Type.String(),
  day: Type.String({ format: 'date' }),
  first: Type.Integer(),
  last: Type.Integer(),
  objects: Type.Integer({ description: 'Object versions delivered.' }),
  root: digest,
  hash: digest,
  signed: time,
  key: digest,
  text: Type.String({ description: 'What is signed.' }),
  signature: Type.String({ description: 'Ed25519, in base64.' }),
})

export const ledgerApi = [
  operation({
    method: 'GET',
    path: '/api/v1/ledger',
    id: 'listLedger',
    tag,
    summary: "Who received objects of the caller's organization",
    description:
      'Entries appear within about a second of the delivery. Who does not see the chain gets, answer by answer, what it may see of it, in the order of time and without numbers and hashes.',
    query: closed({
      ...PAGE,
      limit: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 100, description: 'Most items per page; 50 if not given.' }),
      ),
      order: Type.Optional(
        Type.String({ enum: ['newest', 'oldest'], description: '`newest` if not given.' }),
      ),
      object: Type.Optional(objectId),
      since: Type.Optional(Type.String({ maxLength: 40, description: 'Only those at or after this time.' })),
      organization: Type.Optional(
        Type.String({
          pattern: said('^[^\\s\\u0000-\\u001f]{1,200}$', 'must be the id of an organization'),
          description: 'Only to this organization.',
        }),
      ),
    }),
    answer: { description: 'Deliveries.', schema: pageOf(entry) },
    run: (exchange, caller, { query }) =>
      listEntries(exchange, caller, { ...query, order: query.order === 'oldest' ? 'oldest' : 'newest' }),
  }),
  operation({
    method: 'GET',
    path: '/api/v1/ledger/heads',
    id: 'listLedgerHeads',
    tag,
    summary: "Signed heads of the caller's organization's chain, one a day",
    query: closed({ ...PAGE }),
    answer: {
      description: 'The last day first; empty to those who do not see the chain.',
      schema: pageOf(head),
    },
    run: (exchange, caller, { query }) => listHeads(exchange, caller, query),
  }),
  operation({
    method: 'GET',
    path: '/api/v1/ledger/key',
    id: 'getLedgerKey',
    tag,
    summary: 'The public key that heads are signed with',
    answer: {
      description: 'Keep it when you first get it.',
      schema: closed({ key: digest, algorithm: Type.Literal('Ed25519'), pem: Type.String() }),
    },
    run: async (exchange) => publicKey(exchange),
  }),
  operation({
    method: 'GET',
    path: '/api/v1/ledger/{seq}/proof',
    id: 'proveLedgerEntry',
    tag,
    summary: 'Proof that an entry is in the chain as it was signed',
    description:
      'leaf = SHA-256(0x00, hash); going along the path, SHA-256(0x01, left, right) ends at the root of the head (RFC 6962). `head` is null until the day is over.',
    params: closed({ seq: Type.String({ pattern: '^[1-9][0-9]{0,15}$' }) }),
    problems: [404],
    answer: {
      description: 'The entry, the path, and the signed head.',
      schema: closed({
        entry: closed({
          seq: Type.Integer(),
          text: Type.String({ description: 'Its SHA-256 is the hash.' }),
          hash: digest,
        }),
        head: Type.Union([head, Type.Null()]),
        path: Type.Array(closed({ side: Type.String({ enum: ['left', 'right'] }), hash: digest })),
      }),
    },
    run: (exchange, caller, { params }) => proveEntry(exchange, caller, BigInt(params.seq)),
  }),
]
