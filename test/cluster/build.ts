/** Two servers, the pooler, two nodes and the balancer, ready to be used. */
import { freePort } from '../support/postgres.ts'
import { apply, comity } from '../support/server.ts'
import { Database } from './database.ts'
import { CREATE_WEB, Node, Pooler, startBalancer } from './front.ts'
import { topology } from './world.ts'

export interface Cluster {
  primary: Database
  standby: Database
  pooler: Pooler
  nodes: Node[]
  /** Of the balancer. */
  url: string
}

export async function build(): Promise<Cluster> {
  const primary = new Database('db1', await freePort())
  primary.initialise()
  await primary.start()
  await primary.sql('create database comity', 'postgres')
  const migrated = await comity(['migrate'], { DATABASE_URL: primary.url() })
  if (migrated.code !== 0) throw new Error(migrated.stderr)
  await primary.sql(CREATE_WEB)
  await apply(primary.url(), topology())
  const standby = new Database('db2', await freePort())
  standby.follow(primary)
  await standby.start()
  await primary.synchronous()
  const pooler = await Pooler.start(primary, standby)
  const nodes = [new Node('node1', await freePort(), pooler), new Node('node2', await freePort(), pooler)]
  await Promise.all(nodes.map((node) => node.start()))
  const url = await startBalancer(nodes)
  return { primary, standby, pooler, nodes, url }
}
