/** What happens to the cluster, one after the other; each says what it measured and notes what is wrong. */
import { raw } from '../support/client.ts'
import { sleep } from '../support/run-lock.ts'
import type { Cluster } from './build.ts'
import type { Node } from './front.ts'
import { Load } from './load.ts'
import { prepare, readable, tightenAll } from './tighten.ts'
import { as, PATH } from './world.ts'

type Scenario = (cluster: Cluster, wrong: string[]) => Promise<string>

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

async function replicaPages(nodes: readonly Node[]): Promise<Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const node of nodes) {
    for (const [outcome, n] of Object.entries(await node.replicaPages()))
      sums[outcome] = (sums[outcome] ?? 0) + n
  }
  return sums
}

const since = (before: Record<string, number>, after: Record<string, number>): string =>
  Object.keys(after)
    .map((key) => `${key} ${(after[key] ?? 0) - (before[key] ?? 0)}`)
    .join(', ')

async function quiet(load: Load, { nodes }: Cluster, wrong: string[]): Promise<string> {
  await load.stop()
  await load.verify(nodes.map((node) => node.url))
  wrong.push(...load.wrong)
  const rest = `${load.refused} answered 503 with Retry-After, ${load.broken} connections broken`
  return `${load.acknowledged.size} objects acknowledged and there, ${load.pages} pages walked, ${load.crawled} answers to a stranger inspected, ${rest}, longest pause of the writers ${seconds(load.gap)}`
}

/** One load for all, so that every scenario also looks at what the former ones stored. */
let load: Load | undefined
function loadOf({ url }: Cluster): Load {
  load ??= new Load(url)
  load.start()
  return load
}

const killedNode: Scenario = async (cluster, wrong) => {
  const [node] = cluster.nodes as [Node]
  const load = loadOf(cluster)
  await load.more(2_000)
  await node.kill9()
  const first = await load.more(20)
  await load.more(2_000)
  await node.start()
  await load.more(2_000)
  if (!node.running) wrong.push('the node is gone')
  return `${await quiet(load, cluster, wrong)}; first acknowledgement ${seconds(first)} after the kill`
}

const laggingReplica: Scenario = async (cluster, wrong) => {
  const { url, standby, primary, nodes } = cluster
  const addresses = nodes.map((node) => node.url)
  const prepared = await prepare(url, 8)
  await standby.replayed(primary)
  const before = await replicaPages(nodes)
  for (const address of addresses) {
    if (!(await readable(address, prepared))) wrong.push('not readable to begin with')
  }
  const loose = await replicaPages(nodes)
  if ((loose.served ?? 0) <= (before.served ?? 0)) wrong.push('the replica served no page')
  await standby.sql('select pg_wal_replay_pause()')
  const { leaks, looks, tightened } = await tightenAll(url, addresses, prepared)
  wrong.push(...leaks)
  const paused = await replicaPages(nodes)
  // Under load: read your writes, and the walks go on.
  const load = loadOf(cluster)
  await load.more(500)
  await standby.sql('select pg_wal_replay_resume()')
  await standby.replayed(primary)
  await load.more(1_000)
  const figures = await quiet(load, cluster, wrong)
  const resumed = await replicaPages(nodes)
  await sleep(200)
  await as(nodes[0]?.url ?? '', 'stranger').getObjects(PATH, { limit: '77' })
  const last = await replicaPages(nodes)
  if ((last.served ?? 0) <= (resumed.served ?? 0))
    wrong.push('the replica serves no page after it has caught up')
  return `${tightened} tightenings obeyed in the next of ${looks} answers on both nodes; pages while loose: ${since(before, loose)}; while paused: ${since(loose, paused)}; resumed: ${since(paused, resumed)}; ${figures}`
}

const killedReplica: Scenario = async (cluster, wrong) => {
  const { primary, standby, nodes } = cluster
  const load = loadOf(cluster)
  await load.more(500)
  await standby.kill9()
  await sleep(500)
  const [pages, had, refused] = [load.pages, load.acknowledged.size, load.refused]
  // The only standby that a commit waits for is gone: nothing may be acknowledged, and every page is served.
  // Nor when an operator breaks the waiting off: PostgreSQL then reports the commit as done.
  let broken = 0
  for (let i = 0; i < 14; i++) {
    await sleep(1_000)
    const waiting = `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`
    broken += (await primary.sql(waiting)).length
  }
  if (broken === 0) wrong.push('no commit waits')
  if (load.acknowledged.size > had) wrong.push('acknowledged without the standby')
  if (load.refused === refused) wrong.push('a writer waits for ever')
  const served = load.pages - pages
  if (served < 50) wrong.push(`${served} pages while the replica was away`)
  const slowest = load.slowest
  if (slowest > 6_000) wrong.push(`a page took ${seconds(slowest)}`)
  const before = await replicaPages(nodes)
  await standby.start()
  await load.more(500)
  let back = false
  for (let i = 0; i < 60 && !back; i++) {
    await sleep(500)
    back = ((await replicaPages(nodes)).served ?? 0) > (before.served ?? 0)
  }
  if (!back) wrong.push('the replica serves no page after its return')
  return `nothing acknowledged without it, ${broken} waits broken off, ${served} pages served meanwhile, the slowest in ${seconds(slowest)}; ${await quiet(load, cluster, wrong)}`
}

const restartedPrimary: Scenario = async (cluster, wrong) => {
  const load = loadOf(cluster)
  await load.more(1_000)
  const refused = load.refused
  await cluster.primary.stop()
  await sleep(3_000)
  const down = await raw(cluster.nodes[0]?.url ?? '', {
    path: `${PATH}objects/`,
    headers: {
      Authorization: as('', 'stranger').authorization ?? '',
      Accept: 'application/taxii+json;version=2.1',
    },
  })
  if (down.status !== 503 || !down.header('Retry-After'))
    wrong.push(`a node answers ${down.status} without its primary`)
  await cluster.primary.start()
  const first = await load.more(20)
  await load.more(1_000)
  if (load.refused === refused) wrong.push('nobody was refused')
  return `${await quiet(load, cluster, wrong)}; first acknowledgement ${seconds(first)} after the start`
}

const failover: Scenario = async (cluster, wrong) => {
  const { primary, standby, pooler, nodes } = cluster
  const load = loadOf(cluster)
  await load.more(2_000)
  const killed = performance.now()
  await primary.kill9()
  await standby.promote()
  await pooler.pointTo(standby, primary)
  const promoted = performance.now()
  await load.more(20)
  const first = performance.now()
  await load.more(1_000)
  const alone = await quiet(load, cluster, wrong)
  // The former primary comes back as a copy of the new one.
  primary.follow(standby)
  await primary.start()
  await standby.synchronous()
  const before = await replicaPages(nodes)
  const again = loadOf(cluster)
  let served = false
  for (let i = 0; i < 60 && !served; i++) {
    await again.more(100)
    await sleep(500)
    served = ((await replicaPages(nodes)).served ?? 0) > (before.served ?? 0)
  }
  if (!served) wrong.push('the new replica serves no page')
  await quiet(again, cluster, wrong)
  cluster.primary = standby
  cluster.standby = primary
  return `promoted and re-pointed ${seconds(promoted - killed)} after the kill, first acknowledgement ${seconds(first - promoted)} later; ${alone}; pages of the new replica: ${since(before, await replicaPages(nodes))}`
}

export const SCENARIOS: Record<string, Scenario> = {
  'a node killed under load': killedNode,
  'a replica that lags': laggingReplica,
  'the replica killed under load': killedReplica,
  'the primary restarted under load': restartedPrimary,
  'the primary killed, the replica promoted': failover,
}
