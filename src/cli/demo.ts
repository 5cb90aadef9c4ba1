/** The demo exchange: loaded into an empty embedded database, once, and what `npm start` prints about it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { packageRoot } from '../package-root.ts'
import { keyedHash } from '../policy/credentials.ts'
import type { DeclaredTopology } from '../policy/declared.ts'
import { readObject } from '../stix/index.ts'
import { overClient } from '../store/client.ts'
import { readTokenKey } from '../store/manage-credentials.ts'
import { sql } from '../store/sql.ts'
import { applyTopology } from '../store/topology.ts'
import { tendStatistics } from '../store/write-items.ts'
import { limitsOf, storeBatch } from '../taxii/add-objects.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { inWorld } from '../taxii/operation.ts'
import { systemClock } from '../time.ts'
import { actAs } from './as-principal.ts'
import { type DemoBatch, demoBatches } from './demo-objects.ts'
import { asOwner } from './exchange.ts'
import { table } from './table.ts'
import { readTopologyFile } from './topology-file.ts'

const ROOT = 'global'
/** Of mycert-siem; demo/topology.yaml declares it. */
const TOKEN = 'cmty_demoSIEM_PublishedTokenThatOpensNothingButTheDemo001'

/**
 * Loads the demo into a database without any API root, or finishes what a killed start began. A setting says that a
 * database holds the demo, from before its first row on: production refuses such a database.
 * @param url of a role that may become comity_owner
 * @returns does the database hold the demo?
 */
export async function loadDemo(
  exchange: Exchange,
  _config: Config,
  url: string,
  log: Logger,
): Promise<boolean> {
  const { settings, roots } = exchange.world
  const state = settings.get('demo')
  if (state === 'loaded') return true
  if (state === undefined && roots.size > 0) return false
  await asOwner(url, async (client) => {
    const { rows } = overClient(client)
    await rows(sql`insert into setting (key, value) values ('demo', 'loading') on conflict do nothing`)
    const key = await readTokenKey(overClient(client))
    if (!key) throw new Error('the database has no token key')
    await applyTopology(client, await readTopology(), {
      prune: false,
      dryRun: false,
      now: systemClock.now(),
      hashToken: (sha256) => keyedHash(key, sha256),
    })
    await exchange.refresh()
    let count = 0
    for (const batch of demoBatches()) count += await submit(exchange, batch)
    await rows(sql`update setting set value = 'loaded' where key = 'demo'`)
    log.info(`the demo exchange is loaded: ${count} objects`)
  })
  await tendStatistics(exchange.pool)
  await exchange.refresh()
  return true
}

async function readTopology(): Promise<DeclaredTopology> {
  const file = join(packageRoot, 'demo', 'topology.yaml')
  const read = readTopologyFile(await readFile(file, 'utf8'), { env: {}, baseDir: join(packageRoot, 'demo') })
  if (read.ok) return read.declared
  throw new Error(read.problems.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n'))
}

/** Stores a batch as its principal would. @throws when one object is refused: the demo is ours, and so is the mistake */
async function submit(exchange: Exchange, { principal, collection, objects }: DemoBatch): Promise<number> {
  const limits = limitsOf(exchange)
  const members = objects.map((object, index) => {
    const member = readObject(JSON.stringify(object), limits)
    if ('detail' in member) throw new Error(member.detail)
    return { ...member, index }
  })
  const target = { root: ROOT, collection, as: principal }
  const batch = await inWorld(exchange, true, async () => {
    const acting = actAs(exchange, target, 'write')
    const writer = { subject: acting.subject, collection: acting.collection, canRead: acting.rights.read }
    return await storeBatch(exchange, writer, members, exchange.clock.now(), null)
  })
  if (batch.failure > 0) throw new Error(`objects of the demo were refused: ${batch.failures}`)
  return batch.success
}

const PEOPLE: readonly [principal: string, about: string][] = [
  ['mycert-analyst', 'national CERT of Malaysia, custodian: reads its RED'],
  ['mycert-duty', 'the same CERT: no RED that does not name it'],
  ['mycert-siem', 'a feed of that CERT; its token reads up to AMBER'],
  ['sgcert-analyst', 'national CERT of Singapore: AMBER from Malaysia'],
  ['decert-analyst', 'national CERT of Germany: AMBER+STRICT from France'],
  ['frcert-analyst', 'national CERT of France: AMBER+STRICT from Germany'],
  ['petrobank-analyst', "a bank in Malaysia, on its CERT's roster"],
  ['rheinstrom-analyst', "an energy supplier in Germany, on its CERT's roster"],
  ['forum-liaison', 'an international body: GREEN at most'],
]

/** Where the server listens, who may log in, and three commands to paste. */
export function printDemo(config: Config, base: string): void {
  process.stdout.write(`${describeDemo(config, base).join('\n')}\n`)
}

/** @param base scheme, address and port that the server listens on */
export function describeDemo(config: Pick<Config, 'tls' | 'publicUrl'>, base: string): string[] {
  const url = config.publicUrl ?? base.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
  const objects = `${url}/${ROOT}/collections/indicators/objects/`
  // A certificate for a demo is seldom one that curl trusts.
  const curl = `curl -s --globoff${config.tls ? ' --insecure' : ''}`
  const count = `| grep -o '"id":"' | wc -l`
  const login = (principal: string) => `-u ${principal}:demo-${principal}`
  const rows = [
    ['principal', 'password', 'who'],
    ...PEOPLE.map(([principal, about]) => [principal, `demo-${principal}`, about]),
  ]
  return [
    '',
    `Comity listens on ${url}/taxii2/ with a demo exchange. These logins are published:`,
    '',
    ...table(rows).map((line) => `  ${line}`),
    `  token of mycert-siem: ${TOKEN}`,
    '',
    'One URL, two readers, two answers (how many objects each may read):',
    '',
    `  ${curl} ${login('mycert-analyst')} '${objects}' ${count}`,
    `  ${curl} ${login('decert-analyst')} '${objects}' ${count}`,
    '',
    "Names of the malware that Malaysia's SIEM may read with its token:",
    '',
    `  ${curl} -H 'Authorization: Bearer ${TOKEN}' '${objects}?match[type]=malware' | grep -o '"name":"[^"]*"'`,
    '',
  ]
}
