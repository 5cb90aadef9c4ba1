/** Tightens what a lagging replica still holds, in every way that there is, and looks at once on every node. */
import type { Client, StixObject } from '../support/client.ts'
import { indicator, TLP, version } from '../support/stix.ts'
import { as, COLLECTION, PATH } from './world.ts'

const API = `/api/v1/roots/main/collections/${COLLECTION}/objects`

async function ok(answer: Promise<{ status: number; text: string }>): Promise<string> {
  const { status, text } = await answer
  if (status < 200 || status > 299) throw new Error(`${status}: ${text.slice(0, 300)}`)
  return text
}

const json = (client: Client, method: string, path: string, body: object) =>
  client.request({
    method,
    path,
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify(body),
  })

/** Green objects that everybody reads, one per way to tighten, and an agreement under which paris reads one in AMBER. */
export interface Prepared {
  objects: StixObject[]
  amber: StixObject
  agreement: string
  /** They lie after it in the log. */
  after: string
}

export async function prepare(url: string, count: number): Promise<Prepared> {
  const writer = as(url, 'writer-1')
  const before = indicator({ name: 'before', object_marking_refs: [TLP.green] })
  await writer.add(PATH, before)
  const after = (await writer.getManifest(PATH, { 'match[id]': before.id })).last
  const objects = Array.from({ length: count * 3 }, (_, i) =>
    indicator({ name: `loose (${i})`, object_marking_refs: [TLP.green] }),
  )
  const amber = indicator({ name: 'loose amber', object_marking_refs: [TLP.amber] })
  await writer.add(PATH, ...objects, amber)
  const terms = { from: 'MY', to: 'FR', max_tlp: 'amber', recipients: 'all', reason: 'a test' }
  const draft = await ok(json(as(url, 'head'), 'POST', '/api/v1/agreements', terms))
  const agreement = String(JSON.parse(draft).id)
  await ok(json(as(url, 'paris'), 'POST', `/api/v1/agreements/${agreement}/signature`, { reason: 'a test' }))
  return { objects, amber, agreement, after }
}

/**
 * Tightens one thing after the other. @returns what was still readable when the answer to the tightening was here
 * @param nodes where readers look
 */
export async function tightenAll(
  url: string,
  nodes: readonly string[],
  { objects, amber, agreement, after }: Prepared,
): Promise<{ leaks: string[]; looks: number; tightened: number }> {
  const writer = as(url, 'writer-1')
  const leaks: string[] = []
  let looks = 0
  const look = async (reader: string, object: StixObject, how: string) => {
    await Promise.all(
      nodes.map(async (node) => {
        const client = as(node, reader)
        const answers = await Promise.all([
          client.getObject(PATH, object.id),
          client.getObjects(PATH, { limit: '1000', added_after: after }),
          client.getManifest(PATH, { 'match[id]': object.id }),
          client.getVersions(PATH, object.id),
        ])
        for (const answer of answers) {
          looks++
          if (answer.status !== 200 && answer.status !== 404) leaks.push(`${how}: ${answer.status}`)
          else if (answer.status === 200 && answer.text.includes(object.id))
            leaks.push(`${how}: still served`)
          else if (answer.status === 200 && answer.text.includes(String(object.name)))
            leaks.push(`${how}: name`)
        }
        for (const i of [0, 3])
          if (answers[i]?.status !== 404) leaks.push(`${how}: ${answers[i]?.status}, not 404`)
      }),
    )
  }
  for (let i = 0; i + 2 < objects.length; i += 3) {
    const [gone, marked, newer] = objects.slice(i, i + 3) as [StixObject, StixObject, StixObject]
    await ok(writer.delete(`${PATH}objects/${gone.id}/`))
    await look('stranger', gone, 'deleted')
    await ok(
      json(writer, 'PATCH', `${API}/${marked.id}`, { object_marking_refs: [TLP.red], reason: 'a test' }),
    )
    await look('stranger', marked, 'relabelled')
    await writer.add(
      PATH,
      version(newer, '2026-06-01T00:00:00.000Z', { object_marking_refs: [TLP.red], name: 'stricter' }),
    )
    await look('stranger', newer, 'a stricter version')
  }
  await ok(json(as(url, 'head'), 'POST', `/api/v1/agreements/${agreement}/end`, { reason: 'a test' }))
  await look('paris', amber, 'the agreement ended')
  return { leaks, looks, tightened: objects.length + 1 }
}

/** All of it is readable, to begin with. */
export async function readable(node: string, { objects, amber, after }: Prepared): Promise<boolean> {
  const seen = await as(node, 'stranger').pages(`${PATH}objects/`, { limit: '1000', added_after: after })
  const ids = new Set(seen.flatMap((page) => page.ids))
  return (
    objects.every((o) => ids.has(o.id)) && (await as(node, 'paris').getObject(PATH, amber.id)).status === 200
  )
}
