/** Credentials over HTTP: every kind, what a token may do, and that what ends, ends on the very next request of every node. */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import t, { test } from 'tap'
import { isError } from '../support/checks.ts'
import { type Answer, basic, Client } from '../support/client.ts'
import { asOwner } from '../support/in-process.ts'
import { apply, comity, type Server, startServer } from '../support/server.ts'
import { indicator, TLP } from '../support/stix.ts'

const ROOM = '6f1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'
const OTHER = '7f1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a11'
const room = `/global/collections/${ROOM}/`
const other = `/global/collections/${OTHER}/`
const token = (name: string) => `tk-credentials-${name}-0123456789abcdef`

const TOKENS = [
  { name: 'full' },
  { name: 'reader', scopes: ['read'] },
  { name: 'writer', scopes: ['write'] },
  { name: 'green', max_tlp: 'green' },
  { name: 'room', collections: [ROOM] },
  { name: 'other', collections: ['other'] },
  { name: 'dots', value: 'a-token.with.two-dots-0123456789abcdef' },
  { name: 'old', expires: '2020-01-01' },
  { name: 'far', cidrs: ['192.0.2.0/24'] },
  { name: 'near', cidrs: ['127.0.0.0/8', '::1/128'] },
  ...Array.from({ length: 40 }, (_, i) => ({ name: `dies-${i + 1}` })),
]

const grants = [{ to: '*', read: true, write: true }]
const topology = JSON.stringify({
  countries: [{ code: 'MY' }],
  organizations: [{ id: 'mycert', name: 'MyCERT', country: 'MY', kind: 'national-cert' }],
  communities: [],
  principals: [
    {
      id: 'ann',
      organization: 'mycert',
      kind: 'person',
      password: 'pw-ann-1',
      tokens: TOKENS.map((rest) => ({ value: token(rest.name), ...rest })),
    },
    { id: 'bob', organization: 'mycert', kind: 'person', password: 'pw-bob-1' },
    { id: 'mute', organization: 'mycert', kind: 'person' },
  ],
  agreements: [],
  api_roots: [
    {
      path: 'global',
      title: 'Global',
      collections: [
        { id: ROOM, title: 'Room', default_marking: 'tlp:clear', grants },
        { id: OTHER, title: 'Other', alias: 'other', default_marking: 'tlp:clear', grants },
      ],
    },
  ],
})

const env = { COMITY_SYNC_OBJECTS: '3' }
const one = await startServer(t, { topology, env })
const two = await startServer(t, { database: one.database, env })
const NODES: [string, Server][] = [
  ['this node', one],
  ['the other node', two],
]
const bearer = (name: string, server: Server = one) => server.bearer(token(name))
const list = (client: Client) => client.get('/global/collections/')
const status = async (answer: Promise<Answer>) => (await answer).status
const jwtOf = async (client: Client) =>
  String((await client.request({ method: 'POST', path: '/auth/token' })).json.access_token)
const withJwt = (jwt: string, server: Server = one) => new Client(server.url, `Bearer ${jwt}`)

test('an API token that looks like a JWT is looked up', async (t) => {
  t.equal(await status(list(new Client(one.url, 'Bearer a-token.with.two-dots-0123456789abcdef'))), 200)
  t.equal(await status(list(new Client(one.url, 'Bearer a-token.with.other-dots'))), 401)
})

test('Basic, Bearer, Token and JWT', async (t) => {
  for (const [what, authorization] of [
    ['Basic', basic('ann', 'pw-ann-1')],
    ['basic', basic('ann', 'pw-ann-1').replace('Basic', 'basic')],
    ['Bearer', `Bearer ${token('full')}`],
    ['Token', `Token ${token('full')}`],
    ['JWT by password', `Bearer ${await jwtOf(one.as('ann', 'pw-ann-1'))}`],
    ['JWT by token', `Bearer ${await jwtOf(bearer('full'))}`],
  ] as const) {
    for (const [where, server] of NODES) {
      t.equal(await status(list(new Client(server.url, authorization))), 200, `${what} on ${where}`)
    }
  }
  const answer = await one.as('ann', 'pw-ann-1').request({ method: 'POST', path: '/auth/token' })
  t.match(answer.json, { token_type: 'Bearer', expires_in: 900 })
  t.equal(answer.header('cache-control'), 'no-store')
  t.equal(await status(one.anonymous.request({ method: 'POST', path: '/auth/token' })), 401)
  t.equal(
    await status(withJwt(await jwtOf(bearer('full'))).request({ method: 'POST', path: '/auth/token' })),
    403,
    'a JWT buys no JWT',
  )
})

test('unknown, wrong, malformed: one answer, byte for byte', async (t) => {
  const wrong = [
    basic('ann', 'wrong'),
    basic('nobody', 'pw-ann-1'),
    basic('mute', ''),
    basic('ann', ''),
    basic('', ''),
    'Basic !!!',
    'Basic',
    `Bearer ${token('unknown')}`,
    `Bearer ${token('old')}`,
    `Bearer ${token('far')}`,
    'Bearer a.b.c',
    'Digest x',
    'Negotiate abc',
    `Token ${token('full')} x`,
  ]
  const reference = (await list(new Client(one.url, wrong[0] as string))).fingerprint
  for (const authorization of wrong) {
    for (const path of ['/global/collections/', '/taxii2/', '/nowhere/', `${room}objects/`, '/auth/token']) {
      const answer = await new Client(one.url, authorization).get(path)
      t.equal(answer.fingerprint, reference, `${authorization.slice(0, 20)} on ${path}`)
    }
  }
  t.equal((await list(one.anonymous)).fingerprint, reference, 'none at all')
  const median = async (user: string) => {
    const times: number[] = []
    for (let i = 0; i < 9; i++) {
      const start = performance.now()
      await list(one.as(user, `wrong-${user}-${i}`))
      times.push(performance.now() - start)
    }
    return times.sort((a, b) => a - b)[4] ?? 0
  }
  const [known, unknown, mute] = [await median('ann'), await median('nobody'), await median('mute')]
  t.comment(
    `a wrong password: ${known.toFixed(0)} ms, an unknown principal ${unknown.toFixed(0)}, one without ${mute.toFixed(0)}`,
  )
  for (const ratio of [unknown / known, mute / known]) t.ok(ratio > 0.3 && ratio < 3, 'both derive a key')
})

test('scopes and collections of a token', async (t) => {
  const post = (client: Client, path = room) => client.post(path, [indicator()])
  t.equal(await status(post(bearer('full'))), 202)
  t.equal(await status(bearer('reader').getObjects(room)), 200, 'read reads')
  t.equal(await status(post(bearer('reader'))), 403, 'read does not write')
  t.equal(await status(post(bearer('writer'))), 202, 'write writes')
  t.equal(await status(bearer('writer').getObjects(room)), 403, 'write does not read')
  t.equal(await status(bearer('writer').delete(`${room}objects/${indicator().id}/`)), 403, 'nor delete')
  const resource = async (name: string) => (await bearer(name).get(room)).json
  t.match(await resource('reader'), { can_read: true, can_write: false })
  t.match(await resource('writer'), { can_read: false, can_write: true })
  for (const [name, mine, foreign] of [
    ['room', room, other],
    ['other', other, room],
  ] as const) {
    t.equal(await status(bearer(name).getObjects(mine)), 200)
    const answers = [
      await bearer(name).getObjects(foreign),
      await bearer(name).getObjects(room.replace('6', '9')),
    ]
    t.equal(
      answers[0]?.fingerprint,
      answers[1]?.fingerprint,
      'a collection outside is one that does not exist',
    )
    t.equal(answers[0]?.status, 404)
    t.equal(await status(post(bearer(name), foreign)), 404)
    t.equal(((await list(bearer(name))).json.collections as unknown[]).length, 1)
  }
  t.equal(await status(list(bearer('near'))), 200, 'from a network that it names')
})

test('max_tlp binds every read, also of what its owner submitted, and no write', async (t) => {
  const [full, green] = [bearer('full'), bearer('green')]
  const clear = indicator({ object_marking_refs: [TLP.clear] })
  const amber = indicator({ object_marking_refs: [TLP.amber] })
  const red = indicator({ object_marking_refs: [TLP.red] })
  const unmarked = indicator({ object_marking_refs: [TLP.green], labels: ['tlp:amber+strict'] })
  await full.add(room, clear, amber)
  await green.add(room, red, unmarked)
  for (const [object, shown] of [
    [clear, 200],
    [amber, 404],
    [red, 404],
    [unmarked, 404],
  ] as const) {
    t.equal(await status(full.getObject(room, object.id)), 200)
    t.equal(await status(green.getObject(room, object.id)), shown)
    t.equal(await status(green.getVersions(room, object.id)), shown)
    const { ids } = await green.getManifest(room, { 'match[id]': object.id })
    t.equal(ids.length, shown === 200 ? 1 : 0)
    if (shown === 404) t.equal(await status(green.delete(`${room}objects/${object.id}/`)), 404, 'nor delete')
  }
  // For what a write collides with, a token counts as its principal (§9).
  const again = (await green.post(room, [red])).taxiiStatus
  t.equal(again.success_count, 1)
  t.match(again.successes?.[0]?.message, /already present/)
  const jwt = withJwt(await jwtOf(green))
  t.equal(await status(jwt.getObject(room, amber.id)), 404, 'a JWT made with it is as weak')
  t.equal(await status(withJwt(await jwtOf(full)).getObject(room, amber.id)), 200)
})

test('a status tells a capped token nothing above its cap', async (t) => {
  const red = indicator({ object_marking_refs: [TLP.red] })
  const { id } = await bearer('full').add(room, red)
  const answer = await bearer('green').get(`/global/status/${id}/`)
  t.equal(answer.status, 404)
  t.notOk(answer.text.includes(red.id), 'the id of a RED object')
  const own = await bearer('green').add(room, indicator({ object_marking_refs: [TLP.red] }))
  t.equal((await bearer('green').get(`/global/status/${own.id}/`)).status, 200, 'what it submitted itself')
})

test('alg none, foreign keys, foreign issuers and changed claims are refused', async (t) => {
  const good = await jwtOf(bearer('full'))
  const [, payload = '', signature = ''] = good.split('.')
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const key = await asOwner(one.database.url, async (client) => {
    const { rows } = await client.query(`select value from setting where key = 'jwt_key'`)
    return String(rows[0]?.value)
  })
  const hs = (alg: string, secret: string, body: object) => {
    const text = `${encode({ alg, typ: 'JWT' })}.${encode(body)}`
    return `${text}.${createHmac(alg === 'HS256' ? 'sha256' : 'sha512', secret)
      .update(text)
      .digest('base64url')}`
  }
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const rs = `${encode({ alg: 'RS256', typ: 'JWT' })}.${payload}`
  t.equal(await status(list(withJwt(hs('HS256', key, claims)))), 200, 'the forger of this test can forge')
  for (const [what, jwt] of Object.entries({
    'alg none, no signature': `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`,
    'alg none, a signature': `${encode({ alg: 'none' })}.${payload}.${signature}`,
    'alg NONE': `${encode({ alg: 'NONE' })}.${payload}.${signature}`,
    'another key': hs('HS256', 'another key of the same length, more or less', claims),
    'an empty key': hs('HS256', '', claims),
    'another algorithm': hs('HS512', key, claims),
    'an RSA key': `${rs}.${sign('sha256', Buffer.from(rs), privateKey).toString('base64url')}`,
    'another subject': `${good.split('.')[0]}.${encode({ ...claims, sub: 'bob' })}.${signature}`,
    'another issuer': hs('HS256', key, { ...claims, iss: 'elsewhere' }),
    expired: hs('HS256', key, { ...claims, iat: claims.iat - 2000, exp: claims.iat - 1000 }),
    'an unknown principal': hs('HS256', key, { ...claims, sub: 'nobody' }),
    'a token of another': hs('HS256', key, { ...claims, sub: 'bob' }),
    'no subject': hs('HS256', key, { iss: 'comity', exp: claims.exp }),
    'a strange chg': hs('HS256', key, { ...claims, tok: undefined, chg: 'x' }),
    'no signature': `${good.split('.').slice(0, 2).join('.')}.`,
  })) {
    isError(t, await list(withJwt(jwt)), 401, what)
  }
})

/** What a client does next; each must find its credential dead on every node. */
const NEXT: Record<string, (client: Client) => Promise<Answer>> = {
  discovery: (c) => c.get('/taxii2/'),
  'api root': (c) => c.get('/global/'),
  collections: (c) => list(c),
  collection: (c) => c.get(room),
  objects: (c) => c.getObjects(room),
  'an empty poll': (c) => c.getObjects(room, { added_after: '2090-01-01T00:00:00Z' }),
  manifest: (c) => c.getManifest(room),
  object: (c) => c.getObject(room, indicator().id),
  'a POST': (c) => c.post(room, [indicator()]),
  'a POST of nothing valid': (c) => c.post(room, [{ type: 'indicator' }]),
  'a POST that is finished later': (c) =>
    c.post(
      room,
      Array.from({ length: 5 }, () => indicator()),
    ),
  'a DELETE': (c) => c.delete(`${room}objects/${indicator().id}/`),
  'OPTIONS of objects': (c) => c.request({ method: 'OPTIONS', path: `${room}objects/` }),
  'a method that is not allowed': (c) => c.request({ method: 'PUT', path: `${room}objects/` }),
  'a status': (c) => c.get('/global/status/2d086da7-4bdc-4f91-900e-d77486753710/'),
  'an unknown path': (c) => c.get('/nowhere/'),
  'a JWT': (c) => c.request({ method: 'POST', path: '/auth/token' }),
}

let deaths = 0

/** Uses a token, or a JWT of it, revokes it, and asks once. */
async function revoked(next: (client: Client) => Promise<Answer>, jwt: boolean): Promise<number> {
  const name = `dies-${++deaths}`
  const client = jwt ? withJwt(await jwtOf(bearer(name, two)), two) : bearer(name, two)
  t.equal(await status(list(client)), 200)
  await asOwner(one.database.url, (c) => c.query('delete from token where name = $1', [name]))
  return await status(next(client))
}

for (const [what, next] of Object.entries(NEXT)) {
  test(`a revoked token is dead for ${what}`, async (t) => {
    t.equal(await revoked(next, false), 401, 'the token')
    t.equal(await revoked(next, true), 401, 'a JWT made with it')
  })
}

test('comity token create and revoke count at once', async (t) => {
  const env = { DATABASE_URL: one.database.url }
  const made = await comity(['token', 'create', '--principal', 'ann', '--name', 'new'], env)
  const client = two.bearer(made.stdout.trim())
  t.equal(await status(client.getObjects(room)), 200, made.stderr)
  t.equal((await comity(['token', 'revoke', 'new'], env)).code, 0)
  t.equal(await status(client.getObjects(room)), 401)
})

test('a new password ends the old one, and the JWTs made with it, on every node', async (t) => {
  const clients = await Promise.all(
    NODES.map(async ([where, server]) => ({
      where,
      plain: server.as('bob', 'pw-bob-1'),
      jwt: withJwt(await jwtOf(server.as('bob', 'pw-bob-1')), server),
      fresh: server.as('bob', 'pw-bob-2'),
    })),
  )
  for (const { plain, jwt } of clients) {
    t.equal(await status(list(plain)), 200)
    t.equal(await status(jwt.getObjects(room)), 200)
  }
  await apply(one.database.url, topology.replace('pw-bob-1', 'pw-bob-2'))
  for (const { where, plain, jwt, fresh } of clients) {
    t.equal(await status(plain.getObjects(room)), 401, `the old password on ${where}`)
    t.equal(await status(jwt.getObjects(room)), 401, `a JWT of it on ${where}`)
    t.equal(await status(fresh.getObjects(room)), 200, `the new one on ${where}`)
  }
  t.equal(await status(bearer('full').getObjects(room)), 200, 'nobody else is touched')
})

test('a principal that is switched off is dead on the next request, its tokens and JWTs too', async (t) => {
  const jwt = withJwt(await jwtOf(two.as('bob', 'pw-bob-2')), two)
  t.equal(await status(jwt.getObjects(room)), 200)
  await asOwner(one.database.url, (client) =>
    client.query(`update principal set active = false where id = 'bob'`),
  )
  t.equal(await status(jwt.getObjects(room)), 401)
  t.equal(await status(two.as('bob', 'pw-bob-2').getObjects(room)), 401)
})

test('too many failures: 429 with Retry-After, for known and unknown alike', async (t) => {
  const server = await startServer(t, { database: one.database, env: { COMITY_LOGIN_THROTTLE: '3/600' } })
  const first = server.as('ann', 'pw-ann-1')
  t.equal(await status(list(first)), 200)
  for (const user of ['ann', 'nobody']) {
    const answers: Answer[] = []
    for (let i = 0; i < 5; i++) answers.push(await list(server.as(user, `wrong-${i}`)))
    t.strictSame(
      answers.map((a) => a.status),
      [401, 401, 401, 429, 429],
      user,
    )
    const last = answers.at(-1) as Answer
    isError(t, last, 429, user)
    t.match(last.header('retry-after'), /^\d+$/, `${user}: Retry-After`)
  }
  t.equal(await status(list(server.as('ann', 'pw-ann-1'))), 200, 'a login that is known goes on')
  t.equal(await status(list(server.as('bob', 'pw-bob-2'))), 401, 'others of this address too, for a while')
})
