/** The eleven endpoint contracts (TAXII 2.1 §4, §5): happy path, listed failures, nothing null or empty. */
import t, { type Test, test } from 'tap'
import { hasDates, hasTaxiiType, isError, isResource, noNullOrEmpty } from '../../support/checks.ts'
import { type Answer, T21 } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { indicator, newId, version } from '../../support/stix.ts'
import { NO_COLLECTION, NO_STATUS, READ_ONLY, READ_WRITE, topology, WRITE_ONLY } from '../../support/world.ts'

const server = await startServer(t, { topology: topology(), env: { COMITY_MAX_CONTENT_LENGTH: '65536' } })
const analyst = server.as('analyst')
const object = indicator()
const newer = version(object, '2026-02-01T00:00:00.000Z')
const posted = await analyst.add(READ_WRITE.path, object, newer, indicator())
await server.as('keeper').add(READ_ONLY.path, object)
await server.as('keeper').add(WRITE_ONLY.path, object)

interface Contract {
  id: string
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  status: number
  /** X-TAXII-Date-Added-First and -Last on 200. */
  dates?: true
  /** Paths that answer 403 and 404, a query that answers 400. */
  forbidden?: string
  unknown: string[]
  malformed?: string[]
  check(t: Test, answer: Answer): void
}

const rw = READ_WRITE.path
const wo = WRITE_ONLY.path
const ro = READ_ONLY.path
const nowhere = `/global/collections/${NO_COLLECTION}/`
const one = `objects/${object.id}/`

const has = (
  t: Test,
  answer: Answer,
  required: Record<string, string>,
  optional: Record<string, string> = {},
) => {
  for (const [name, type] of Object.entries(required)) {
    const value = answer.json[name]
    t.equal(Array.isArray(value) ? 'list' : typeof value, type, `${name} is a ${type}`)
  }
  for (const [name, value] of Object.entries(answer.json)) {
    const type = required[name] ?? optional[name]
    if (type === undefined) t.match(name, /^x_/, `${name} is defined by TAXII 2.1, or custom`)
    else t.equal(Array.isArray(value) ? 'list' : typeof value, type, `${name} is a ${type}`)
  }
}
const envelope = (t: Test, answer: Answer) =>
  has(t, answer, { objects: 'list' }, { more: 'boolean', next: 'string' })

const PAGED = ['limit=0', 'added_after=yesterday', 'next=', 'match[spec_version]=abc']

const CONTRACTS: Contract[] = [
  {
    id: 'C-1',
    method: 'GET',
    path: '/taxii2/',
    status: 200,
    unknown: [],
    check: (t, a) =>
      has(
        t,
        a,
        { title: 'string', api_roots: 'list' },
        { description: 'string', contact: 'string', default: 'string' },
      ),
  },
  {
    id: 'C-2',
    method: 'GET',
    path: '/global/',
    status: 200,
    unknown: ['/no-such-root/'],
    check: (t, a) =>
      has(
        t,
        a,
        { title: 'string', versions: 'list', max_content_length: 'number' },
        { description: 'string' },
      ),
  },
  {
    id: 'C-3',
    method: 'GET',
    path: `/global/status/${posted.id}/`,
    status: 200,
    unknown: [`/global/status/${NO_STATUS}/`, `/no-such-root/status/${posted.id}/`],
    check: (t, a) =>
      has(
        t,
        a,
        {
          id: 'string',
          status: 'string',
          total_count: 'number',
          success_count: 'number',
          failure_count: 'number',
          pending_count: 'number',
        },
        { request_timestamp: 'string', successes: 'list', failures: 'list', pendings: 'list' },
      ),
  },
  {
    id: 'C-4',
    method: 'GET',
    path: '/global/collections/',
    status: 200,
    unknown: ['/no-such-root/collections/'],
    check: (t, a) => has(t, a, { collections: 'list' }),
  },
  {
    id: 'C-5',
    method: 'GET',
    path: rw,
    status: 200,
    unknown: [nowhere, '/global/collections/no-such-alias/'],
    check: (t, a) =>
      has(
        t,
        a,
        { id: 'string', title: 'string', can_read: 'boolean', can_write: 'boolean' },
        { description: 'string', alias: 'string', media_types: 'list' },
      ),
  },
  {
    id: 'C-6',
    method: 'GET',
    path: `${rw}manifest/`,
    status: 200,
    dates: true,
    forbidden: `${wo}manifest/`,
    unknown: [`${nowhere}manifest/`],
    malformed: PAGED,
    check: envelope,
  },
  {
    id: 'C-7',
    method: 'GET',
    path: `${rw}objects/`,
    status: 200,
    dates: true,
    forbidden: `${wo}objects/`,
    unknown: [`${nowhere}objects/`],
    malformed: PAGED,
    check: envelope,
  },
  {
    id: 'C-8',
    method: 'POST',
    path: `${rw}objects/`,
    status: 202,
    forbidden: `${ro}objects/`,
    unknown: [`${nowhere}objects/`],
    check: (t, a) => t.ok(a.taxiiStatus.id, 'a status'),
  },
  {
    id: 'C-9',
    method: 'GET',
    path: rw + one,
    status: 200,
    dates: true,
    forbidden: wo + one,
    unknown: [nowhere + one, `${rw}objects/${newId('indicator')}/`],
    malformed: PAGED,
    check: envelope,
  },
  {
    id: 'C-10',
    method: 'DELETE',
    path: rw + one,
    status: 200,
    forbidden: ro + one,
    unknown: [nowhere + one, `${rw}objects/${newId('indicator')}/`],
    malformed: ['match[version]=all,last', 'match[spec_version]=abc'],
    check: (t, a) => t.equal(a.body.length, 0, 'no body'),
  },
  {
    id: 'C-11',
    method: 'GET',
    path: `${rw}${one}versions/`,
    status: 200,
    dates: true,
    forbidden: `${wo}${one}versions/`,
    unknown: [`${nowhere}${one}versions/`, `${rw}objects/${newId('indicator')}/versions/`],
    malformed: PAGED,
    check: (t, a) => has(t, a, { versions: 'list' }, { more: 'boolean', next: 'string' }),
  },
]

function send(c: Contract, path: string, headers: Record<string, string> = {}, body?: string, signed = true) {
  const content = c.method === 'POST' ? (body ?? JSON.stringify({ objects: [indicator()] })) : undefined
  return (signed ? analyst : server.anonymous).request({
    method: c.method,
    path,
    headers: { ...(c.method === 'POST' && { 'Content-Type': T21 }), ...headers },
    ...(content !== undefined && { body: content }),
  })
}

async function failures(t: Test, c: Contract): Promise<void> {
  isError(t, await send(c, c.path, {}, undefined, false), 401, 'no credentials')
  isError(t, await send(c, c.path, { Accept: 'text/html' }), 406, 'Accept: text/html')
  for (const path of c.unknown) isError(t, await send(c, path), 404, path)
  if (c.forbidden) isError(t, await send(c, c.forbidden), 403, c.forbidden)
  for (const query of c.malformed ?? []) isError(t, await send(c, `${c.path}?${query}`), 400, query)
  if (c.method !== 'POST') return
  isError(t, await send(c, c.path, { 'Content-Type': 'text/plain' }), 415, 'CT text/plain')
  isError(t, await send(c, c.path, {}, ' '.repeat(65_537)), 413, 'one byte too many')
  isError(t, await send(c, c.path, {}, '{'), 422, 'malformed JSON')
}

async function happy(t: Test, c: Contract): Promise<void> {
  const answer = await send(c, c.path)
  t.equal(answer.status, c.status, answer.text.slice(0, 200))
  hasTaxiiType(t, answer, c.id)
  c.check(t, answer)
  if (c.dates) hasDates(t, answer, c.id)
  else t.equal(answer.first + answer.last, '', 'no X-TAXII-Date-Added headers')
}

async function nothingEmpty(t: Test, c: Contract): Promise<void> {
  if (c.method === 'DELETE') {
    await analyst.add(rw, object)
    t.equal((await send(c, c.path)).body.length, 0, 'DELETE has no body at all')
    return
  }
  const answer = await send(c, c.path)
  isResource(t, answer, c.status, c.id)
  noNullOrEmpty(t, await send(c, c.path, { Accept: 'text/html' }), 'the error body')
}

for (const [index, order] of [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 9].entries()) {
  const c = CONTRACTS[order]
  if (!c) throw new Error(`contract ${index} is missing`)
  test(`${c.id} every failure of the table has an error body`, (t) => failures(t, c))
  test(`${c.id} happy path`, (t) => happy(t, c))
  test(`${c.id} nothing is null or an empty list`, (t) => nothingEmpty(t, c))
}
