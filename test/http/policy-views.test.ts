/** View as another reader, simulate an agreement, reciprocity: each held against what then really reads (policy.md §13). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { test } from 'tap'
import {
  AGREEMENT,
  CLOSED,
  NARROW,
  OPEN,
  type Place,
  PRINCIPALS,
  policyTopology,
  SHARED,
} from '../support/answers-world.ts'
import { api } from '../support/api.ts'
import { commands, startServer } from '../support/server.ts'
import { forCountry, indicator, indicator20, ipv4, newId, TLP, version } from '../support/stix.ts'

const server = await startServer(t, { topology: policyTopology(), env: { COMITY_REQUEST_LIMIT: 'off' } })
const comity = commands(t)

const release = forCountry('DE', { object_marking_refs: [TLP.amber] })
const marked = (...refs: string[]) => ({ object_marking_refs: refs })
/** Ids of versions by their organization, `id version`. */
const submitted = new Map<string, Set<string>>()
/** Level of each, `collection id version`. */
const levelOf = new Map<string, string>()
const LEVEL = new Map<string, string>(Object.entries(TLP).map(([level, ref]) => [ref, level]))
for (const [author, organization] of [
  ['my-bob', 'mycert'],
  ['my-ann', 'mycert'],
  ['lab-ann', 'mylab'],
  ['sg-ann', 'sgcert'],
] as const) {
  for (const where of [SHARED, NARROW, OPEN]) {
    if (where === NARROW && organization !== 'mycert') continue
    const shut = indicator(marked(TLP.green))
    const opened = indicator(marked(TLP.red))
    const objects = [
      { ...release, id: newId('marking-definition') },
      ...Object.values(TLP).flatMap((ref) => [indicator(marked(ref)), indicator20(marked(ref))]),
      indicator(),
      shut,
      version(shut, '2026-02-01T00:00:00.000Z', marked(TLP.amber)),
      version(shut, '2026-03-01T00:00:00.000Z', marked(TLP.clear)),
      opened,
      version(opened, '2026-02-01T00:00:00.000Z', marked(TLP.green)),
    ]
    objects.push(indicator(marked(TLP.amber, String(objects[0]?.id))))
    objects.push(ipv4(`198.51.100.${levelOf.size % 256}`, marked(TLP.green)))
    const status = await server.as(author).add(where.path, ...objects)
    const known = submitted.get(organization) ?? new Set()
    submitted.set(organization, known)
    status.successes?.forEach(({ id, version: v }, i) => {
      known.add(`${id} ${v}`)
      const refs = (objects[i] as { object_marking_refs?: string[] }).object_marking_refs ?? []
      levelOf.set(`${where.alias} ${id} ${v}`, LEVEL.get(refs[0] ?? '') ?? 'unmarked')
    })
  }
}

interface Item {
  id: string
  version: string
  readers: string[]
  rules: string[]
  level: string
}

async function view(principal: string, where: Place, as: string, limit = 1000): Promise<Item[]> {
  const items: Item[] = []
  let next = ''
  do {
    const answer = await api(server, principal).get(
      `/api/v1/policy/view-as?root=x&collection=${where.alias}&as=${as}&limit=${limit}${next && `&next=${next}`}`,
    )
    t.equal(answer.status, 200, `${principal} as ${as}`)
    const page = answer.json as unknown as { items: Item[]; next?: string }
    items.push(...page.items)
    next = page.next ?? ''
  } while (next !== '')
  return items
}

const keys = (items: { id: string; version: string }[]) => items.map(({ id, version: v }) => `${id} ${v}`)

/** Every version that a principal gets over TAXII. */
async function got(principal: string, where: Place): Promise<string[]> {
  const pages = await server.as(principal).pages(`${where.path}manifest/`, {
    'match[version]': 'all',
    'match[spec_version]': '2.0,2.1',
  })
  return pages.flatMap((page) => keys(page.records))
}

test("view as a principal is its own GET, restricted to the caller's organization and view", async (t) => {
  for (const where of [SHARED, NARROW, OPEN]) {
    for (const caller of ['my-ann', 'my-bob', 'sg-ann'] as const) {
      const mine = submitted.get(caller === 'sg-ann' ? 'sgcert' : 'mycert') ?? new Set()
      const visible = caller === 'sg-ann' && where === NARROW ? null : new Set(await got(caller, where))
      if (visible === null) continue
      for (const { id } of PRINCIPALS) {
        const reads = await server.as(id).getObjects(where.path)
        const theirs = reads.status === 200 ? await got(id, where) : []
        const due = theirs.filter((key) => mine.has(key) && visible.has(key))
        t.strictSame(keys(await view(caller, where, id)), due, `${caller} as ${id} in ${where.alias}`)
      }
    }
  }
})

test('view as an organization or a country is the union of its principals', async (t) => {
  for (const as of ['SG', 'sgcert', 'DE', 'mycert', 'MY']) {
    const members = PRINCIPALS.filter((p) =>
      /^[A-Z]+$/.test(as)
        ? { SG: /^sg/, DE: /^de/, MY: /^(my|bank|lab)/ }[as]?.test(p.id)
        : p.organization === as,
    )
    const due = new Set<string>()
    for (const { id } of members) for (const key of keys(await view('my-ann', SHARED, id))) due.add(key)
    const items = await view('my-ann', SHARED, as)
    t.strictSame(keys(items).sort(), [...due].sort(), as)
    t.ok(
      items.every((item) => item.readers.length > 0 && item.rules.length > 0),
      'each names who reads it, and why',
    )
  }
  t.match(
    (await view('my-ann', SHARED, 'SG')).find((item) => item.level === 'amber'),
    { readers: ['sgbank', 'sgcert'], rules: ['agreement MY>SG', 'agreement MY>SG, client of sgcert'] },
  )
})

test('view-as in small pages is the same', async (t) => {
  for (const as of ['sgcert', 'sglab-feed', 'DE']) {
    t.strictSame(await view('my-ann', SHARED, as, 1), await view('my-ann', SHARED, as), as)
  }
})

test('view-as: strangers and strange words', async (t) => {
  const path = (where: string, as: string, more = '') =>
    `/api/v1/policy/view-as?root=x&collection=${where}&as=${as}${more}`
  const unknown = await api(server, 'my-ann').get(path('shared', 'nobody'))
  t.equal(unknown.status, 404)
  t.equal((await api(server, 'my-ann').get(path('shared', 'ZZ'))).text, unknown.text, 'ZZ is no country')
  const hidden = await api(server, 'de-ann').get(path(CLOSED.alias, 'SG'))
  t.equal(hidden.text, (await api(server, 'de-ann').get(path('none', 'SG'))).text)
  t.equal(hidden.status, 404)
  t.equal((await api(server, 'my-ann').get(path('drop', 'SG'))).status, 403)
  t.equal((await api(server, 'my-ann').get(path('shared', 'SG', '&next=AAAA'))).status, 400)
  const page = await api(server, 'my-ann').get(path('shared', 'SG', '&limit=1'))
  const next = `&limit=1&next=${page.json.next}`
  t.equal((await api(server, 'my-bob').get(path('shared', 'SG', next))).status, 400, "another's cursor")
  t.equal((await api(server, 'my-ann').get(path('shared', 'MY', next))).status, 400, 'of another view')
  t.strictSame(
    (await api(server, 'de-ann').get(path('shared', 'SG'))).json,
    { items: [] },
    'it has sent nothing',
  )
})

type PerLevel = Record<string, number>
interface Change {
  gain: PerLevel
  lose: PerLevel
}
interface Simulation {
  considered: number
  countries: (Change & { code: string })[]
  organizations: (Change & { id: string })[]
}
const simulate = async (principal: string, body: object) =>
  await api(server, principal).post('/api/v1/policy/simulate', body)

const DRAFT = { from: 'mycert', to: 'DE', max_tlp: 'amber+strict', recipients: 'all', clients: true }
const others = JSON.parse(policyTopology()).agreements.slice(1)
const SIDES: Record<string, RegExp> = {
  SG: /^sg/,
  DE: /^de/,
  sgcert: /^sg-/,
  sgbank: /^sgbank/,
  sglab: /^sglab/,
  decert: /^de/,
  interpol: /^zz/,
}

/** What each side reads, by asking its principals over TAXII: level by version. */
async function snapshot(of: ReadonlySet<string>): Promise<Map<string, Map<string, string>>> {
  const found = new Map<string, Map<string, string>>(Object.keys(SIDES).map((side) => [side, new Map()]))
  for (const where of [SHARED, NARROW, OPEN]) {
    for (const { id } of PRINCIPALS) {
      const sides = Object.keys(SIDES).filter((side) => SIDES[side]?.test(id))
      if (sides.length === 0 || (await server.as(id).getObjects(where.path)).status !== 200) continue
      for (const key of await got(id, where)) {
        const full = `${where.alias} ${key}`
        if (of.has(full)) for (const side of sides) found.get(side)?.set(full, levelOf.get(full) ?? '')
      }
    }
  }
  return found
}

async function agree(agreements: readonly object[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'comity-agree-'))
  const file = join(folder, 'topology.yaml')
  writeFileSync(file, policyTopology([...agreements]))
  const { code, stderr } = await comity(['apply', '--prune', file], { DATABASE_URL: server.database.url })
  rmSync(folder, { recursive: true })
  if (code !== 0) throw new Error(stderr)
}

function difference(before: Map<string, string>, after: Map<string, string>): PerLevel {
  const found: PerLevel = {}
  for (const [key, level] of after) if (!before.has(key)) found[level] = (found[level] ?? 0) + 1
  return found
}

test('simulate counts what really happens', async (t) => {
  const visible = new Set<string>()
  for (const where of [SHARED, NARROW, OPEN]) {
    for (const key of await got('my-ann', where)) visible.add(`${where.alias} ${key}`)
  }
  const before = await snapshot(visible)
  for (const [what, body, agreements] of [
    ['a draft', { draft: DRAFT }, [AGREEMENT, ...others, { ...DRAFT, signed: ['mycert', 'DE'] }]],
    ['an end', { end: { from: 'MY', to: 'SG' } }, others],
    [
      'a wider one',
      { draft: { from: 'MY', to: 'SG', max_tlp: 'amber+strict' } },
      [{ ...AGREEMENT, max_tlp: 'amber+strict', recipients: 'all', clients: false }, AGREEMENT, ...others],
    ],
  ] as const) {
    const answer = await simulate('my-ann', body)
    t.equal(answer.status, 200, what)
    const { countries, organizations } = answer.json as unknown as Simulation
    await agree(agreements)
    const after = await snapshot(visible)
    let changes = 0
    for (const side of Object.keys(SIDES)) {
      const none = { gain: {}, lose: {} }
      const found = countries.find((c) => c.code === side) ?? organizations.find((o) => o.id === side) ?? none
      const [was, is] = [before.get(side) ?? new Map(), after.get(side) ?? new Map()]
      const due = { gain: difference(was, is), lose: difference(is, was) }
      t.strictSame({ gain: found.gain, lose: found.lose }, due, `${what}: ${side}`)
      changes += Object.keys(due.gain).length + Object.keys(due.lose).length
    }
    t.ok(changes > 0, `${what} changes something`)
    await agree([AGREEMENT, ...others])
  }
})

test('simulate is for a party, about known names', async (t) => {
  const no = await simulate('de-ann', { draft: { from: 'MY', to: 'SG', max_tlp: 'green' } })
  t.equal(no.status, 403)
  t.equal((await simulate('de-ann', { end: { from: 'MY', to: 'SG' } })).text, no.text)
  t.equal((await simulate('zz-ann', { draft: { from: 'ZZ', to: 'SG', max_tlp: 'green' } })).status, 403)
  t.equal((await simulate('my-ann', { draft: { from: 'MY', to: 'nobody', max_tlp: 'green' } })).status, 404)
  t.equal((await simulate('my-ann', { end: { from: 'MY', to: 'DE' } })).status, 404)
  t.equal((await simulate('my-ann', { end: { from: 'MY', to: 'SG', max_tlp: 'green' } })).status, 404)
  t.equal((await simulate('my-ann', {})).status, 400)
  t.equal((await simulate('my-ann', { draft: DRAFT, end: { from: 'MY', to: 'SG' } })).status, 400)
})

interface Partner {
  country: string
  given: PerLevel
  received: PerLevel
}

async function reciprocity(principal: string): Promise<Partner[]> {
  const answer = await api(server, principal).get('/api/v1/policy/reciprocity')
  t.equal(answer.status, 200)
  return answer.json.partners as Partner[]
}

test('reciprocity is symmetrical, where both see all that is between them', async (t) => {
  const my = await reciprocity('my-ann')
  const sg = await reciprocity('sg-ann')
  t.strictSame(
    my.map((p) => p.country),
    ['DE', 'SG', 'ZZ'],
  )
  const between = (list: Partner[], country: string) => list.find((p) => p.country === country)
  t.strictSame(between(my, 'SG')?.received, between(sg, 'MY')?.given, 'what SG gave is what MY got')
  t.ok((between(my, 'SG')?.received.amber ?? 0) > 0)
  const { length } = await got('sg-ann', SHARED)
  t.ok(length > 0)
  const fromMy = new Set([...(submitted.get('mycert') ?? []), ...(submitted.get('mylab') ?? [])])
  let received = 0
  for (const where of [SHARED, OPEN]) {
    received += (await got('sg-ann', where)).filter((key) => fromMy.has(key)).length
  }
  const total = Object.values(between(sg, 'MY')?.received ?? {}).reduce((a, b) => a + b, 0)
  t.equal(total, received, 'what SG got is what its reads give')
  const de = between(my, 'DE')
  t.ok((de?.given.clear ?? 0) > 0)
  t.strictSame(de?.received, {})
})
