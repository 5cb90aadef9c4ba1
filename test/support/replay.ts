/** Replays a reader's requests on a node: every status, header and body byte that it gets. */
import { createHash } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { text as wholeOf } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { exportObjects } from '../../src/cli/export.ts'
import { rights } from '../../src/policy/access.ts'
import type { Micros } from '../../src/time.ts'
import { micros } from './checks.ts'
import { Answer } from './client.ts'
import type { Call, Node } from './in-process.ts'
import { credential, type Who } from './random-world.ts'
import type { Line } from './script.ts'

export interface Heard {
  asked: string
  status: number
  fingerprint: string
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

/**
 * What a server makes by itself while it is asked, and nothing else, is told by its number: ids that it draws at random
 * (of statuses, requests, schedules and recalls) and the time of a recall, which the database takes from its own clock.
 * Of what is sealed meanwhile, a custodian's place in the chain: `audience`, `epoch` and `revision` count things of the
 * whole exchange (docs/policy-parts/ledger.md), and the hashes are of them.
 */
export class Made {
  readonly #ids = new Map<string, string>()
  readonly #since = BigInt(Date.now()) * 1000n
  readonly #sealed: Micros

  /** @param now what is sealed later is sealed by the replay */
  constructor(now: Micros) {
    this.#sealed = now
  }

  plain({ method = 'GET', path }: Call, answer: Answer): string {
    let said = answer.fingerprint
    if (method === 'POST' && [201, 202].includes(answer.status)) {
      for (const [, id = ''] of answer.text.matchAll(new RegExp(`"id":"(${UUID})"`, 'g'))) this.#learn(id)
    }
    if (path.startsWith('/api/v1/recalls')) {
      const times = new RegExp(`"id":"(${UUID})","at":"([^"]*)"`, 'g')
      for (const [, id = '', at = ''] of answer.text.matchAll(times)) {
        if (micros(at) < this.#since) continue
        this.#learn(id)
        said = said.replaceAll(at, 'now')
      }
    }
    if (path.endsWith('/proof') && answer.status === 200) {
      const { text } = answer.json.entry as { text: string }
      if (BigInt(text.split('\n')[4] ?? 0) > this.#sealed) return 'a proof of what was sealed meanwhile'
    }
    return this.named(said)
  }

  /** Did the replay do it? */
  isNew(at: string): boolean {
    return micros(at) > this.#sealed
  }

  named(text: string): string {
    return text.replace(new RegExp(UUID, 'g'), (id) => this.#ids.get(id) ?? id)
  }

  #learn(id: string): void {
    if (!this.#ids.has(id)) this.#ids.set(id, `made-${this.#ids.size}`)
  }
}

/** @param made of this side, kept for as long as its ids may be told again */
export async function replay(
  node: Node,
  who: Who,
  script: readonly Line[],
  made: Made = new Made(node.exchange.clock.now()),
): Promise<Heard[]> {
  const all: Heard[] = []
  const as = credential(who)
  const one = async (call: Call): Promise<Answer> => {
    const answer = await node.call(call)
    const asked = `${call.method ?? 'GET'} ${call.path}${call.body ? ` ${call.body}` : ''}`
    if (answer.status >= 500) throw new Error(`${asked} answered ${answer.status}: ${answer.text}`)
    const plain = inflated(answer)
    const packed =
      plain === answer ? '' : `${createHash('sha256').update(answer.body).digest('hex')} unpacked `
    const fingerprint = `${packed}${made.plain(call, plain)}`
    all.push({ asked: made.named(asked), status: answer.status, fingerprint })
    return plain
  }
  for (const line of script) {
    if (line.work) {
      await node.work()
      continue
    }
    if (line.exported) {
      const fingerprint = await exported(node, who, line.exported)
      all.push({ asked: `export ${JSON.stringify(line.exported)}`, status: 200, fingerprint })
      continue
    }
    const { pages = [], onward, sync = false, exported: _, work: __, ...plain } = line
    const call: Call = { ...plain, as }
    if (call.path.startsWith('/api/v1/ledger?')) {
      all.push(...(await deliveries(node, call, made)))
      continue
    }
    let answer = await one(call)
    for (const [i, limit] of pages.entries()) {
      const path = call.method === 'HEAD' ? null : following(call.path, answer, limit, !sync && i % 2 === 1)
      if (path === null) break
      answer = await one({ ...call, path })
    }
    for (const next of onward?.(answer) ?? []) await one({ ...next, as })
  }
  return all
}

interface Delivery {
  at: string
  until: string
  count: number
  objects: { id: string; version: string }[]
  chain?: object
  [more: string]: unknown
}

/**
 * A walk of the ledger. Who does not see the chain is told by every byte. A custodian sees the chain as it is: it is cut by
 * audiences, whose numbers and demands are of the whole exchange. So to it what is delivered by the replay itself is told
 * here by what it holds, and not by how it is cut.
 */
async function deliveries(node: Node, call: Call, made: Made): Promise<Heard[]> {
  const all: Heard[] = []
  const fresh = new Map<string, string[]>()
  const asked = `GET ${call.path}`
  let path: string | null = call.path
  for (let page = 0; path !== null && page < 100; page++) {
    const answer: Answer = await node.call({ ...call, path })
    const items = answer.status === 200 ? (answer.json.items as Delivery[]) : []
    if (items.every((item) => item.chain === undefined)) {
      all.push({ asked, status: answer.status, fingerprint: made.plain({ ...call, path }, answer) })
    }
    for (const item of items) {
      if (item.chain === undefined) continue
      if (made.isNew(item.at)) {
        const { objects, count: _, until: __, chain: ___, ...rest } = item
        const what = JSON.stringify(rest)
        const held = [...(fresh.get(what) ?? []), ...objects.map(({ id, version }) => `${id} ${version}`)]
        fresh.set(what, held.sort())
      } else {
        const alone = new Answer(200, [], Buffer.from(JSON.stringify(item)), false)
        all.push({ asked, status: 200, fingerprint: made.plain(call, alone) })
      }
    }
    path = following(call.path, answer, '', false)
  }
  for (const [what, held] of [...fresh].sort(([a], [b]) => (a < b ? -1 : 1))) {
    all.push({ asked, status: 200, fingerprint: `${made.named(what)} ${held.join()}` })
  }
  return all.length > 0 ? all : [{ asked, status: 200, fingerprint: 'nothing' }]
}

function inflated(answer: Answer): Answer {
  if (answer.header('content-encoding') !== 'gzip') return answer
  return new Answer(answer.status, answer.rawHeaders.flat(), gunzipSync(answer.body), false)
}

/** Where the next page is, by `next` or by the last date_added; null after the last. */
function following(path: string, answer: Answer, limit: string, byDate: boolean): string | null {
  if (answer.status !== 200) return null
  if (path.startsWith('/api/')) {
    const { next } = answer.json
    return next === undefined ? null : `${path}${path.includes('?') ? '&' : '?'}next=${next}`
  }
  if (!answer.more) return null
  const plain = path.replace(/[?&](limit|added_after)=[^&]*/g, (m) => (m.startsWith('?') ? '?' : ''))
  const follow = byDate ? `added_after=${answer.last}${limit}` : `next=${answer.next}${limit}`
  return `${plain}${plain.includes('?') ? '&' : '?'}${follow}`
}

/** Only what a principal may read is exported for it: what else there is, the command tells its operator. */
async function exported({ exchange }: Node, who: Who, what: NonNullable<Line['exported']>): Promise<string> {
  await exchange.refresh()
  const principal = exchange.world.topology.principals.get(who.id)
  const subject = principal && !who.capped ? exchange.subject(principal) : null
  const collection = exchange.world.roots.get(what.root)?.byKey.get(what.collection)
  if (!subject || !collection) return 'nothing'
  const found = rights(exchange.world, { id: who.id, subject, token: null }, collection)
  if (!found?.read && !found?.open) return 'nothing'
  const stdout = new PassThrough()
  const said: string[] = []
  const written = wholeOf(stdout)
  await exportObjects(exchange, { ...what, as: who.id, err: (line) => said.push(line), stdout })
  stdout.end()
  return `${said.join()} ${(await written).replace(/"bundle--[^"]*"/, '"bundle"')}`
}

/** The first answer that differs, if any. */
export function difference(a: readonly Heard[], b: readonly Heard[]): string | null {
  for (const [i, one] of a.entries()) {
    const other = b[i]
    if (other && one.asked === other.asked && one.fingerprint === other.fingerprint) continue
    return `${one.asked}\n  full   ${one.fingerprint}\n  purged ${other?.fingerprint} ${other?.asked === one.asked ? '' : other?.asked}`
  }
  return a.length === b.length ? null : 'one transcript is longer'
}
