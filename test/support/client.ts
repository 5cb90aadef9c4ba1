/** A raw HTTP client: what is given goes out as it is, what comes back is shown as it came. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'

/** The media type of TAXII 2.1, byte for byte. */
export const T21 = 'application/taxii+json;version=2.1'

export interface StixObject {
  type: string
  id: string
  spec_version?: string
  created?: string
  modified?: string
  [key: string]: unknown
}

export interface ManifestRecord {
  id: string
  date_added: string
  version: string
  media_type?: string
}

export interface StatusDetail {
  id: string
  version: string
  message?: string
}

export interface Status {
  id: string
  status: string
  request_timestamp?: string
  total_count: number
  success_count: number
  failure_count: number
  pending_count: number
  successes?: StatusDetail[]
  failures?: StatusDetail[]
  pendings?: StatusDetail[]
}

export interface CollectionResource {
  id: string
  title: string
  can_read: boolean
  can_write: boolean
  description?: string
  alias?: string
  media_types?: string[]
}

export interface RawRequest {
  method?: string
  path: string
  /** A list sends the header several times. */
  headers?: Record<string, string | string[]>
  body?: string | Buffer
  /** Sends the body without Content-Length, in these pieces if it is a list. */
  chunked?: boolean
  /** With `Expect: 100-continue` the body is held back until the server says so. */
  expectContinue?: boolean
  agent?: Agent
}

/** An answer as it came over the wire, with readers for the TAXII resources. */
export class Answer {
  readonly status: number
  readonly rawHeaders: [string, string][]
  readonly body: Buffer
  /** Was `100 Continue` received before? */
  readonly continued: boolean

  constructor(status: number, flat: string[], body: Buffer, continued: boolean) {
    this.status = status
    this.rawHeaders = []
    for (let i = 0; i + 1 < flat.length; i += 2) this.rawHeaders.push([flat[i] ?? '', flat[i + 1] ?? ''])
    this.body = body
    this.continued = continued
  }

  /** All values of a header, joined by ", ". */
  header(name: string): string | undefined {
    const found = this.rawHeaders.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, v]) => v)
    return found.length > 0 ? found.join(', ') : undefined
  }

  get text(): string {
    return this.body.toString('utf8')
  }

  get json(): Record<string, unknown> {
    return JSON.parse(this.text)
  }

  get objects(): StixObject[] {
    return (this.json.objects as StixObject[] | undefined) ?? []
  }

  get records(): ManifestRecord[] {
    return (this.json.objects as ManifestRecord[] | undefined) ?? []
  }

  get versions(): string[] {
    return (this.json.versions as string[] | undefined) ?? []
  }

  /** Ids of the objects or manifest records, in order. */
  get ids(): string[] {
    return this.objects.map((o) => o.id)
  }

  /** `id version` of each object or manifest record, in order. */
  get keys(): string[] {
    return this.objects.map((o) => `${o.id} ${o.version ?? o.modified ?? o.created ?? ''}`)
  }

  get more(): boolean {
    return this.json.more === true
  }

  get next(): string {
    return String(this.json.next ?? '')
  }

  /** X-TAXII-Date-Added-First. */
  get first(): string {
    return this.header('X-TAXII-Date-Added-First') ?? ''
  }

  /** X-TAXII-Date-Added-Last. */
  get last(): string {
    return this.header('X-TAXII-Date-Added-Last') ?? ''
  }

  get taxiiStatus(): Status {
    return JSON.parse(this.text)
  }

  /** Everything that a caller can tell two answers apart by; `Date` apart. */
  get fingerprint(): string {
    const headers = this.rawHeaders.filter(([name]) => name.toLowerCase() !== 'date')
    return JSON.stringify([this.status, headers, this.body.toString('latin1')])
  }
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 })
const tlsAgent = new TlsAgent({ keepAlive: false, rejectUnauthorized: false })

/** Sends one request; no header but Host (unless given), Connection and the body's framing is added. */
export function raw(base: string, options: RawRequest): Promise<Answer> {
  const { method = 'GET', path, headers = {}, body, chunked = false, expectContinue = false } = options
  const url = new URL(base)
  const flat: string[] = 'Host' in headers ? [] : ['Host', url.host]
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value]) flat.push(name, one)
  }
  if (body !== undefined) {
    if (chunked) flat.push('Transfer-Encoding', 'chunked')
    else flat.push('Content-Length', String(Buffer.byteLength(body)))
  }
  if (expectContinue) flat.push('Expect', '100-continue')
  const tls = url.protocol === 'https:'
  return new Promise((done, fail) => {
    let continued = false
    const collect = (response: IncomingMessage) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', fail)
      response.on('end', () => {
        done(new Answer(response.statusCode ?? 0, response.rawHeaders, Buffer.concat(parts), continued))
      })
    }
    const request = (tls ? httpsRequest : httpRequest)(
      {
        host: url.hostname,
        port: url.port,
        method,
        path,
        headers: flat as unknown as Record<string, string>,
        agent: options.agent ?? (tls ? tlsAgent : agent),
      },
      collect,
    )
    request.on('error', fail)
    request.setTimeout(60_000, () => request.destroy(new Error(`no answer to ${method} ${path} within 60 s`)))
    if (expectContinue) {
      request.on('continue', () => {
        continued = true
        request.end(body)
      })
      request.flushHeaders()
    } else {
      request.end(body)
    }
  })
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
}

export interface Options {
  headers?: Record<string, string | string[]>
  /** Query parameters, encoded by the client. */
  query?: Record<string, string>
}

export function withQuery(path: string, query: Record<string, string> = {}): string {
  const text = Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&')
  return text ? `${path}${path.includes('?') ? '&' : '?'}${text}` : path
}

/** A TAXII client with fixed credentials (none if null): asks for T21, posts T21. */
export class Client {
  readonly base: string
  readonly authorization: string | null

  constructor(base: string, authorization: string | null) {
    this.base = base
    this.authorization = authorization
  }

  request(options: RawRequest): Promise<Answer> {
    const headers: RawRequest['headers'] = { ...options.headers }
    const has = (name: string) => Object.keys(headers).some((key) => key.toLowerCase() === name)
    if (this.authorization !== null && !has('authorization')) headers.Authorization = this.authorization
    if (!has('accept')) headers.Accept = T21
    return raw(this.base, { ...options, headers })
  }

  get(path: string, { query, headers }: Options = {}): Promise<Answer> {
    return this.request({ path: withQuery(path, query), ...(headers && { headers }) })
  }

  delete(path: string, { query, headers }: Options = {}): Promise<Answer> {
    return this.request({ method: 'DELETE', path: withQuery(path, query), ...(headers && { headers }) })
  }

  /** POSTs a body as it is, with the CT of TAXII 2.1 unless `headers` says otherwise. */
  send(path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> {
    return this.request({ method: 'POST', path, headers: { 'Content-Type': T21, ...headers }, body })
  }

  /** POSTs an envelope of objects to a collection's path. */
  post(collection: string, objects: unknown[], headers: Record<string, string> = {}): Promise<Answer> {
    return this.send(`${collection}objects/`, JSON.stringify({ objects }), headers)
  }

  /** POSTs and insists that every object was accepted. */
  async add(collection: string, ...objects: unknown[]): Promise<Status> {
    const answer = await this.post(collection, objects)
    if (answer.status !== 202) throw new Error(`POST answered ${answer.status}: ${answer.text}`)
    const status = answer.taxiiStatus
    if (status.success_count !== objects.length) throw new Error(`not all were stored: ${answer.text}`)
    return status
  }

  getObjects(collection: string, query: Record<string, string> = {}): Promise<Answer> {
    return this.get(`${collection}objects/`, { query })
  }

  getManifest(collection: string, query: Record<string, string> = {}): Promise<Answer> {
    return this.get(`${collection}manifest/`, { query })
  }

  getObject(collection: string, id: string, query: Record<string, string> = {}): Promise<Answer> {
    return this.get(`${collection}objects/${id}/`, { query })
  }

  getVersions(collection: string, id: string, query: Record<string, string> = {}): Promise<Answer> {
    return this.get(`${collection}objects/${id}/versions/`, { query })
  }

  /** Walks `next` to the end: one answer per page. */
  async pages(path: string, query: Record<string, string> = {}): Promise<Answer[]> {
    const answers = [await this.get(path, { query })]
    for (;;) {
      const page = answers.at(-1)
      if (page?.status !== 200 || !page.more) return answers
      if (answers.length > 10_000) throw new Error('the walk does not end')
      answers.push(await this.get(path, { query: { ...query, next: page.next } }))
    }
  }
}
