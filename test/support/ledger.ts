/** Reads and checks the delivery ledger in tests, by its documented form alone. */
import { createHash, verify } from 'node:crypto'
import type { Api } from './api.ts'
import type { Answer, StixObject } from './client.ts'

export interface LedgerItem {
  at: string
  until: string
  principal: string | null
  organization: string | null
  token: string | null
  collection: string
  rule: string
  count: number
  objects: { id: string; version: string }[]
  objects_left_out: number
  chain?: {
    seq: number
    hash: string
    previous: string
    first: string
    last: string
    runs: string
    audience: number
  }
}

/** Every page of a list. */
export async function all<T>(api: Api, path: string): Promise<T[]> {
  const found: T[] = []
  for (let next = ''; ; ) {
    const join = path.includes('?') ? '&' : '?'
    const answer = await api.get(next === '' ? path : `${path}${join}next=${next}`)
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.text}`)
    found.push(...(answer.json.items as T[]))
    if (answer.json.next === undefined) return found
    next = String(answer.json.next)
  }
}

export const versionOf = (object: StixObject) => String(object.modified ?? object.created ?? '')

/** `id version` of what an answer holds, sorted. */
export const held = (...answers: Answer[]) =>
  answers.flatMap((answer) => answer.objects.map((o) => `${o.id} ${versionOf(o)}`)).sort()

/** The same of what entries say. */
export const told = (items: readonly LedgerItem[]) =>
  items.flatMap((item) => item.objects.map(({ id, version }) => `${id} ${version}`)).sort()

const sha256 = (...parts: (string | Buffer)[]) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export interface Proof {
  entry: { seq: number; text: string; hash: string }
  head: { root: string; text: string; signature: string; first: number; last: number } | null
  path: { side: 'left' | 'right'; hash: string }[]
}

/** Checks a proof as an outsider would: by hash and signature alone. */
export function proves({ entry, head, path }: Proof, pem: string): boolean {
  if (head === null || sha256(entry.text).toString('hex') !== entry.hash) return false
  let at = sha256('\x00', Buffer.from(entry.hash, 'hex'))
  for (const { side, hash } of path) {
    const other = Buffer.from(hash, 'hex')
    at = side === 'left' ? sha256('\x01', other, at) : sha256('\x01', at, other)
  }
  return (
    at.toString('hex') === head.root &&
    head.text.split('\n').includes(head.root) &&
    verify(null, Buffer.from(head.text), pem, Buffer.from(head.signature, 'base64'))
  )
}
