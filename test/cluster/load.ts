/** Writers, walkers and a stranger, all at once, who try again as clients should; and what must hold of what they saw. */
import type { Answer, Client, StixObject } from '../support/client.ts'
import { sleep } from '../support/run-lock.ts'
import { indicator, TLP } from '../support/stix.ts'
import { as, PATH, WRITERS } from './world.ts'

/** In the name of every object that a stranger may not see. */
const CANARY = 'CANARY'
const OBJECTS = 20

const keyOf = (o: StixObject) => `${o.id} ${o.modified}`

export class Load {
  readonly #url: string
  /** Of objects that were acknowledged. */
  readonly acknowledged = new Set<string>()
  /** Ids that a stranger may not see, acknowledged or not. */
  readonly secrets = new Set<string>()
  readonly walked: string[][] = [[], []]
  readonly wrong: string[] = []
  pages = 0
  crawled = 0
  refused = 0
  broken = 0
  /** Longest page, in milliseconds. */
  slowest = 0
  /** Longest time without an acknowledgement, in milliseconds. */
  gap = 0
  #lastAck = 0
  #writing = false
  #reading = false
  #work: Promise<unknown> = Promise.resolve()
  #writers: Promise<unknown> = Promise.resolve()

  constructor(url: string) {
    this.#url = url
  }

  start(): void {
    this.#writing = true
    this.#reading = true
    this.gap = 0
    this.slowest = 0
    this.#lastAck = performance.now()
    this.#writers = Promise.all(WRITERS.map((name) => this.#write(as(this.#url, name))))
    this.#work = Promise.all([
      this.#writers,
      this.#walkByNext(as(this.#url, 'partner'), this.walked[0] ?? []),
      this.#walkByDate(as(this.#url, 'partner'), this.walked[1] ?? []),
      this.#crawl(as(this.#url, 'stranger')),
    ])
  }

  /** Waits until so many more objects are acknowledged. @returns milliseconds */
  async more(objects: number): Promise<number> {
    const began = performance.now()
    const goal = this.acknowledged.size + objects
    while (this.acknowledged.size < goal) {
      if (performance.now() - began > 120_000) throw new Error(`no progress: ${this.wrong.join('; ')}`)
      await sleep(20)
    }
    return performance.now() - began
  }

  /** Writers finish what they have begun, walkers go to the end. */
  async stop(): Promise<void> {
    this.#writing = false
    await this.#writers
    this.#reading = false
    await this.#work
  }

  /** Sends until it is answered; a refusal must say when to come again. */
  async #answered(send: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        const answer = await send()
        if (answer.status !== 503 && answer.status !== 502) return answer
        this.refused++
        const wait = Number(answer.header('Retry-After') ?? 0)
        if (!(wait >= 1))
          this.wrong.push(`${answer.status} without Retry-After: ${answer.text.slice(0, 100)}`)
        await sleep(Math.min(wait * 1000, 1_000))
      } catch {
        this.broken++
        await sleep(200)
      }
    }
  }

  async #write(client: Client): Promise<void> {
    let former: StixObject[] = []
    for (let n = 0; this.#writing; n++) {
      const objects = Array.from({ length: OBJECTS }, (_, i) => {
        const level = i % 2 === 0 ? 'green' : i % 5 === 1 ? 'red' : 'amber'
        const name = `${level === 'green' ? 'open' : CANARY} ${n} ${i}`
        return indicator({ name, object_marking_refs: [TLP[level]] })
      })
      // New versions of what was sent before: rows that are there change.
      if (n % 3 === 2) {
        const modified = new Date(Date.UTC(2026, 1, 1) + n * 1000).toISOString()
        objects.splice(0, 5, ...former.slice(0, 5).map((o) => ({ ...o, modified })))
      }
      for (const o of objects) if (String(o.name).startsWith(CANARY)) this.secrets.add(o.id)
      const answer = await this.#answered(() => client.post(PATH, objects))
      if (answer.status !== 202 || answer.taxiiStatus.success_count !== objects.length) {
        this.wrong.push(`POST: ${answer.status} ${answer.text.slice(0, 300)}`)
        return
      }
      const now = performance.now()
      this.gap = Math.max(this.gap, now - this.#lastAck)
      this.#lastAck = now
      for (const o of objects)
        if (!o.object_marking_refs?.toString().includes(TLP.red)) this.acknowledged.add(keyOf(o))
      former = objects.filter((_, i) => i % 2 === 0)
    }
  }

  async #page(client: Client, query: Record<string, string>): Promise<Answer | null> {
    const began = performance.now()
    const answer = await this.#answered(() => client.getObjects(PATH, { 'match[version]': 'all', ...query }))
    this.slowest = Math.max(this.slowest, performance.now() - began)
    this.pages++
    if (answer.status === 200) return answer
    this.wrong.push(`GET: ${answer.status} ${answer.text.slice(0, 300)}`)
    return null
  }

  async #walkByDate(client: Client, seen: string[]): Promise<void> {
    let last = seen.length > 0 ? this.#ends[1] : ''
    for (;;) {
      const final = !this.#reading
      const page = await this.#page(client, { limit: '100', ...(last && { added_after: last }) })
      if (page === null) return
      seen.push(...page.objects.map(keyOf))
      if (page.ids.length > 0) last = page.last
      else if (final) break
      else await sleep(20)
    }
    this.#ends[1] = last
  }

  /** Where the walkers stopped, by walker. */
  readonly #ends: [string, string] = ['', '']

  async #walkByNext(client: Client, seen: string[]): Promise<void> {
    let last = this.#ends[0]
    for (;;) {
      const final = !this.#reading
      let next = ''
      let found = 0
      do {
        const query = { limit: '37', ...(last && { added_after: last }), ...(next && { next }) }
        const page = await this.#page(client, query)
        if (page === null) return
        seen.push(...page.objects.map(keyOf))
        found += page.ids.length
        next = page.more ? page.next : ''
        if (page.ids.length > 0) this.#ends[0] = page.last
      } while (next)
      last = this.#ends[0]
      if (found === 0 && final) return
      if (found === 0) await sleep(20)
    }
  }

  /** A stranger looks everywhere for what it may not see. */
  async #crawl(client: Client): Promise<void> {
    let query: Record<string, string> = {}
    while (this.#reading) {
      const hidden = [...this.secrets]
      const id = hidden[Math.floor(Math.random() * hidden.length)]
      const list = Math.random() < 0.5 ? 'objects' : 'manifest'
      const answers = [
        await this.#answered(() => client.get(`${PATH}${list}/`, { query: { ...query, limit: '200' } })),
      ]
      if (id) {
        answers.push(await this.#answered(() => client.getObject(PATH, id)))
        answers.push(await this.#answered(() => client.getVersions(PATH, id)))
        answers.push(await this.#answered(() => client.getObjects(PATH, { 'match[id]': id })))
        for (const answer of answers.slice(1, 3)) {
          if (answer.status !== 404) this.wrong.push(`a hidden object answers ${answer.status}`)
        }
      }
      for (const answer of answers) this.#inspect(answer)
      const [first] = answers
      query =
        first?.status === 200 && first.ids.length > 0 && Math.random() < 0.9
          ? { added_after: first.last }
          : {}
    }
  }

  #inspect(answer: Answer): void {
    this.crawled++
    const leaked =
      answer.text.includes(CANARY) ||
      (answer.status === 200 && answer.json.objects && answer.ids.some((id) => this.secrets.has(id)))
    if (leaked) this.wrong.push(`a hidden object was served: ${answer.text.slice(0, 200)}`)
  }

  /**
   * What must hold when all is quiet: nothing acknowledged is lost, no walk repeats or skips, every node says the same.
   * @param nodes addresses to read from
   */
  async verify(nodes: readonly string[]): Promise<void> {
    for (const node of nodes) {
      const pages = await as(node, 'partner').pages(`${PATH}objects/`, {
        'match[version]': 'all',
        limit: '1000',
      })
      const all = pages.flatMap((page) => page.objects.map(keyOf))
      const has = new Set(all)
      const lost = [...this.acknowledged].filter((key) => !has.has(key))
      if (lost.length > 0) this.wrong.push(`${lost.length} acknowledged objects are lost, such as ${lost[0]}`)
      if (has.size !== all.length) this.wrong.push('a full walk repeats objects')
      this.walked.forEach((seen, i) => {
        const by = i === 0 ? 'next' : 'added_after'
        const at = seen.findIndex((key, n) => key !== all[n])
        if (at >= 0 || seen.length !== all.length)
          this.wrong.push(`the walk by ${by} saw ${seen.length} of ${all.length}, differs at ${at}`)
      })
    }
  }
}
