/**
 * The ledger in random worlds: what every reader got, page by page, is what the entries resolve to at the end of a
 * history of posts, deletes, replacements, embargoes and relabelling. COMITY_WORLDS: how many worlds.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { test } from 'tap'
import { verifyLedger } from '../../src/sharing/verify-ledger.ts'
import { overClient } from '../../src/store/client.ts'
import { database } from '../support/cluster.ts'
import { newClock, pathOf, play } from '../support/history.ts'
import { applyInProcess, asOwner, type Node, openNode } from '../support/in-process.ts'
import { type Proof, proves } from '../support/ledger.ts'
import { Random } from '../support/random.ts'
import { OBJECT_IDS } from '../support/random-objects.ts'
import { credential, type RandomWorld, randomWorld, readers, tokenOf } from '../support/random-world.ts'
import { TLP } from '../support/stix.ts'

const WORLDS = Number(process.env.COMITY_WORLDS ?? 12)
const SEED = Number(process.env.COMITY_SEED ?? 1)
const LEVELS = ['clear', 'green', 'amber', 'red'] as const

/** `principal collection id version` of what a random reader gets by a random query. */
async function read(random: Random, world: RandomWorld, node: Node): Promise<string[]> {
  const who = random.pick(readers(world))
  const collection = random.pick(world.collections)
  const as = credential(who)
  const found: string[] = []
  const versions = random.chance(0.5) ? 'match[version]=all' : ''
  const limit = 1 + random.below(4)
  const one = random.chance(0.3) ? `objects/${random.pick(OBJECT_IDS)}/` : null
  // What a version is called (that of an address is its date_added), the same walk of the manifest says.
  const next = { objects: '', manifest: '' }
  do {
    const get = async (what: 'objects' | 'manifest') => {
      const path = what === 'objects' && one ? one : `${what}/`
      const only = what === 'manifest' && one ? `match[id]=${one.slice('objects/'.length, -1)}` : ''
      const query = [versions, only, one ? '' : `limit=${limit}`, next[what] && `next=${next[what]}`].filter(
        Boolean,
      )
      return await node.call({ path: `${pathOf(collection)}${path}?${query.join('&')}`, as })
    }
    const [answer, manifest] = [await get('objects'), await get('manifest')]
    if (answer.status !== 200) return found
    if (manifest.records.map((r) => r.id).join() !== answer.ids.join()) throw new Error(manifest.text)
    for (const { id, version } of manifest.records) found.push(`${who.id} ${collection.id} ${id} ${version}`)
    next.objects = answer.more ? answer.next : ''
    next.manifest = manifest.more ? manifest.next : ''
  } while (next.objects !== '' && random.chance(0.8))
  return found
}

for (let w = 0; w < WORLDS; w++) {
  const seed = SEED * 1_000_000 + 700 + w
  test(`world ${seed}`, async (t) => {
    const { url } = await database(t)
    const random = new Random(seed)
    const world = randomWorld(random)
    const clock = newClock()
    await applyInProcess(url, world.text, clock.now())
    const node = await openNode(url, clock)
    t.teardown(() => node.close())
    const got: string[] = []
    let days = 0
    for (let step = 0; step < 16; step++) {
      await play(random, world, node, clock, 3)
      if (random.chance(0.5)) {
        const id = random.pick(world.principals)
        const { root, id: collection } = random.pick(world.collections)
        const body = { object_marking_refs: [TLP[random.pick(LEVELS)]], reason: 'random' }
        await node.call({
          method: 'PATCH' as never,
          path: `/api/v1/roots/${root}/collections/${collection}/objects/${random.pick(OBJECT_IDS)}`,
          as: `Bearer ${tokenOf({ id, capped: false })}`,
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body: JSON.stringify(body),
        })
      }
      for (let i = 0; i < 4; i++) got.push(...(await read(random, world, node)))
      if (random.chance(0.15)) {
        clock.at += 86_400_000_000n
        days++
      }
      if (random.chance(0.3)) await node.work()
    }
    await node.work()
    clock.at += 86_400_000_000n
    await node.work()
    await asOwner(url, async (client) => {
      const { rows } = await client.query(`
        select e.principal, p.id::text as collection, o.object_id, o.version, o.organization = e.organization as own, e.rule
        from ledger_entry e join ledger_place p using (collection) cross join lateral runs_of(e.first, e.runs) r
        join (select collection, position, object_id, version, organization from item
              union all select collection, position, object_id, version, organization from former) o
          on o.collection = e.collection and o.position between r.low and r.high and (o.position - r.low) % r.step = 0`)
      const told = rows.map((r) => `${r.principal} ${r.collection} ${r.object_id} ${r.version}`).sort()
      t.ok(got.length > 0, `${got.length} deliveries in ${days + 1} days`)
      t.strictSame(told, got.sort(), 'what the entries say is what was got')
      t.ok(
        rows.every((r) => r.own),
        'each chain holds its own objects',
      )
      t.notOk(rows.some((r) => r.rule === 'until-now'))
      const { rows: counts } = await client.query(
        'select coalesce(sum(count), 0)::int as n from ledger_entry',
      )
      t.equal(counts[0].n, got.length, 'and so they count')
      const { rows: keys } = await client.query(`select value from setting where key = 'ledger_key'`)
      const key = createPrivateKey({ key: Buffer.from(keys[0].value, 'hex'), format: 'der', type: 'pkcs8' })
      const pem = String(createPublicKey(key).export({ format: 'pem', type: 'spki' }))
      const verdicts = await verifyLedger(overClient(client), pem, null)
      t.ok(verdicts.length > 0)
      t.ok(
        verdicts.every((v) => v.broken === null && v.unsigned === 0 && v.heads > 0),
        JSON.stringify(verdicts),
      )
    })
    await proofs(node, world, t)
  })
}

/** Every custodian proves every entry of its organization. */
async function proofs(node: Node, world: RandomWorld, t: { ok(is: boolean, what: string): unknown }) {
  const get = async (id: string, path: string) => {
    const headers = { accept: 'application/json' }
    return await node.call({ path, as: `Bearer ${tokenOf({ id, capped: false })}`, headers })
  }
  const { pem } = (await get(world.principals[0] ?? '', '/api/v1/ledger/key')).json
  for (const id of world.principals) {
    for (let seq = 1; seq <= 6; seq++) {
      const answer = await get(id, `/api/v1/ledger/${seq}/proof`)
      if (answer.status !== 200) break
      t.ok(proves(answer.json as unknown as Proof, String(pem)), `${id} proves ${seq}`)
    }
  }
}
