/** Several copies of one version: a reader gets the first accepted that it may see, whatever its date_added (policy.md §9). */
import { test } from 'tap'
import type { StixObject } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { newClock } from '../support/history.ts'
import { applyInProcess, type Node, openNode, WAYS } from '../support/in-process.ts'
import { indicator, ipv4, TLP } from '../support/stix.ts'

const ID = '6f1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a12'
const path = `/one/collections/${ID}/`
const as = (id: string) => `Bearer tk-${id}-first-accepted-0123456789`

/** `a` and `b` see nothing of each other; `r` is a recipient of both. */
const topology = JSON.stringify({
  countries: [{ code: 'MY' }, { code: 'SG' }, { code: 'DE' }],
  organizations: [
    { id: 'a', name: 'a', country: 'MY', kind: 'organization' },
    { id: 'b', name: 'b', country: 'SG', kind: 'organization' },
    { id: 'r', name: 'r', country: 'DE', kind: 'organization' },
  ],
  communities: [],
  principals: ['a', 'b', 'r'].map((id) => ({
    id: `p${id}`,
    organization: id,
    kind: 'person',
    tokens: [{ name: 'full', value: as(`p${id}`).slice(7) }],
  })),
  agreements: ['a', 'b'].map((from) => ({ from, to: 'r', max_tlp: 'amber', signed: [from, 'r'] })),
  baseline: { max_tlp: 'green', members: [] },
  api_roots: [
    {
      path: 'one',
      title: 'one',
      collections: [
        { id: ID, title: 'one', on_conflict: 'replace', grants: [{ to: '*', read: true, write: true }] },
      ],
    },
  ],
})

async function post(node: Node, who: string, object: StixObject): Promise<string | undefined> {
  const answer = await node.call({
    method: 'POST',
    path: `${path}objects/`,
    as: as(who),
    body: JSON.stringify({ objects: [object] }),
  })
  return answer.taxiiStatus.success_count === 1 ? answer.taxiiStatus.successes?.[0]?.version : undefined
}

test('first accepted', async (t) => {
  const { url } = await database(t)
  const clock = newClock()
  await applyInProcess(url, topology, clock.now())
  for (const [n, way] of WAYS.entries()) {
    const node = await openNode(url, clock, { way: () => way })
    const get = async (what: string, query: string) =>
      await node.call({ path: `${path}${what}?${query}`, as: as('pr') })
    const mark = { object_marking_refs: [TLP.amber] }
    const mine = indicator({ ...mark, name: 'of a' })
    t.ok(await post(node, 'pa', mine))
    const since = (await get('manifest/', `match[id]=${mine.id}`)).last
    clock.at += 1_000_000n
    t.ok(await post(node, 'pb', { ...mine, name: 'of b' }), 'b takes an id that it does not see')
    clock.at += 1_000_000n
    for (const version of ['last', 'all', 'first', mine.modified]) {
      const seen = (await get('objects/', `match[id]=${mine.id}&match[version]=${version}`)).objects
      t.strictSame(
        seen.map((o) => o.name),
        ['of a'],
        `${version}: one item, the first accepted`,
      )
    }
    t.equal(
      (await get('manifest/', `match[id]=${mine.id}&added_after=${since}`)).text,
      '{}',
      'decided before added_after',
    )

    t.ok(await post(node, 'pa', { ...mine, name: 'of a, replaced' }))
    for (const query of [`match[id]=${mine.id}`, `added_after=${since}`, `added_after=${since}&limit=1`]) {
      const seen = (await get('objects/', query)).objects.filter((o) => o.id === mine.id)
      t.strictSame(
        seen.map((o) => o.name),
        ['of a, replaced'],
        `${query}: replaced, it is still the first accepted`,
      )
    }
    const page = await get('objects/', `match[id]=${mine.id}`)
    t.ok(page.last > since, 'at its new date_added')

    // An address: the whole chain of the organization that was first, never a mix.
    clock.at += 1_000_000n
    const address = (more: object) => ipv4(`192.0.2.${76 + n}`, { ...mark, ...more })
    const versions = [await post(node, 'pa', address({ x_n: 1 }))]
    clock.at += 1_000_000n
    t.ok(await post(node, 'pb', address({ x_n: 2 })))
    clock.at += 1_000_000n
    versions.push(await post(node, 'pa', address({ x_n: 3 })))
    clock.at += 1_000_000n
    const { id } = address({})
    t.strictSame((await get(`objects/${id}/versions/`, '')).versions, versions, 'versions of the address')
    const shown = (await get(`objects/${id}/`, 'match[version]=all')).objects
    t.strictSame(
      shown.map((o) => o.x_n),
      [1, 3],
    )
    const { status } = await node.call({ method: 'DELETE', path: `${path}objects/${id}/`, as: as('pa') })
    t.equal(status, 200)
    t.strictSame(
      (await get(`objects/${id}/`, '')).objects.map((o) => o.x_n),
      [2],
      'gone, the next one is first',
    )
    await node.close()
  }
})
