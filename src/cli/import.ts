/** `comity import`: adds the objects of files to a collection, judged exactly as if the principal had posted them. */

import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import { AppError } from '../errors.ts'
import { type Member, readObject } from '../stix/index.ts'
import { tendStatistics } from '../store/write-items.ts'
import { limitsOf, storeBatch } from '../taxii/add-objects.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { inWorld } from '../taxii/operation.ts'
import { actAs, type Target } from './as-principal.ts'
import { EXIT } from './context.ts'
import { type Input, openInput } from './open-input.ts'
import { Progress, type Terminal } from './progress.ts'
import { type Piece, Splitter } from './split-json.ts'

export interface ImportOptions extends Target {
  /** Paths; `-` is standard input. */
  files: string[]
  /** The summary. */
  out: (line: string) => void
  /** Failures. */
  err: (line: string) => void
  stdin?: Readable
  /** Where the progress bar goes, if it is a terminal (default: standard error). */
  terminal?: Terminal
}

const BATCH = 1000
const BATCH_BYTES = 16 * 1024 * 1024
const SHOWN = 10
/** Milliseconds between looks at the planner's statistics, which a long import outruns. */
const TEND = 3000

/** An object that is to be stored. */
interface Entry {
  ordinal: number
  where: string
  member: Member
}

type Result = 'stored' | 'present' | { reason: string }

/** What has become of the objects so far. */
class Tally {
  read = 0
  stored = 0
  present = 0
  failed = 0
  readonly failures: string[] = []

  count(file: string, where: string, result: Result): void {
    this.read++
    if (result === 'stored') this.stored++
    else if (result === 'present') this.present++
    else this.fail(`${file}: ${where}: ${result.reason}`)
  }

  fail(line: string): void {
    this.failed++
    if (this.failures.length < SHOWN) this.failures.push(line.replace(/\p{Cc}/gu, '?'))
  }
}

/**
 * Imports files one after the other; what is stored already is no failure, so that it may be repeated.
 * @returns exit code 0 when nothing failed, else 1
 * @throws Refusal (2), before anything is stored, for a file, principal or collection that is not there, or no right
 */
export async function importFiles(exchange: Exchange, options: ImportOptions): Promise<number> {
  actAs(exchange, options, 'write')
  const inputs: Input[] = []
  const tally = new Tally()
  const progress = new Progress(options.terminal ?? process.stderr)
  try {
    for (const file of options.files) inputs.push(await openInput(file, options.stdin ?? process.stdin))
    for (const [i, input] of inputs.entries()) {
      const what = inputs.length > 1 ? `${i + 1}/${inputs.length} ${input.name}` : input.name
      await importOne(exchange, options, input, tally, (share) => progress.show(share, what, tally.read))
    }
    await tendStatistics(exchange.pool)
  } catch (error) {
    progress.clear()
    if (tally.read > 0) {
      options.err(`stopped after ${tally.read} objects; what is stored stays: repeat the command to go on`)
    }
    throw error
  } finally {
    for (const input of inputs) await input.close()
  }
  progress.clear()
  for (const line of tally.failures) options.err(line)
  if (tally.failed > tally.failures.length) options.err(`and ${tally.failed - tally.failures.length} more`)
  const { read, stored, present, failed } = tally
  const rate = Math.round(read / Math.max(progress.seconds, 0.001))
  options.out(
    `${read} read, ${stored} stored, ${present} already present, ${failed} failed (${progress.seconds.toFixed(1)} s, ${rate} objects/s)`,
  )
  return failed === 0 ? EXIT.ok : EXIT.failed
}

/**
 * A file's marking-definitions go first: a bundle has no order, and an object is refused while its marking is unknown.
 * @param onShare told how much of the file is done
 */
async function importOne(
  exchange: Exchange,
  options: ImportOptions,
  input: Input,
  tally: Tally,
  onShare: (share: number) => void,
): Promise<void> {
  const settled = new Map<number, Result>()
  const ids = new Set<unknown>()
  const isDefinition = ({ member: { value } }: Entry) => {
    if (value.type !== 'marking-definition' || ids.has(value.id)) return false
    ids.add(value.id)
    return true
  }
  const early = new Batches(exchange, options, (entry, result) => {
    // One that failed may refer to another that came after it.
    if (typeof result === 'string') settled.set(entry.ordinal, result)
  })
  let share = 0
  const all = new Batches(exchange, options, (entry, result) => {
    tally.count(input.name, entry.where, result)
    onShare(share)
  })
  const onRead = (bytes: number) => {
    share = bytes / input.size
    onShare(share)
  }
  try {
    for await (const found of objects(exchange, input, () => {}, DEFINITION)) {
      if ('member' in found && isDefinition(found)) await early.add(found)
    }
    await early.finish()
    for await (const found of objects(exchange, input, onRead, null)) {
      const known = settled.get(found.ordinal)
      if (!('member' in found)) tally.count(input.name, found.where, { reason: found.problem })
      else if (known) tally.count(input.name, found.where, known)
      else await all.add(found)
    }
    await all.finish()
  } catch (error) {
    await all.finish().catch(() => {})
    if (!isUnreadable(error)) throw error
    tally.fail(`${input.name}: cannot be read to its end (${(error as Error).message})`)
  }
}

/** Standing in for a type, quotes included; references have `--` in this place. */
const DEFINITION = Buffer.from('"marking-definition"')

/** @param wanted only objects that hold these bytes, and no problems */
async function* objects(
  exchange: Exchange,
  input: Input,
  onRead: (bytes: number) => void,
  wanted: Buffer | null,
): AsyncGenerator<Entry | { ordinal: number; where: string; problem: string }> {
  const limits = limitsOf(exchange)
  // An indented object is larger in the file than it is compact, which is what the limit means.
  const splitter = new Splitter(limits.objectBytes * 4 + 65_536, input.lines)
  let ordinal = 0
  const read = function* (pieces: readonly Piece[]) {
    for (const { where, bytes, problem } of pieces) {
      ordinal++
      if (wanted !== null && (bytes === null || !bytes.includes(wanted))) continue
      const found = bytes === null ? (problem ?? '') : readMember(bytes, limits)
      if (typeof found === 'string') yield { ordinal, where, problem: found }
      else if (found !== null) yield { ordinal, where, member: found }
    }
  }
  for await (const chunk of input.read(onRead)) yield* read(splitter.push(chunk))
  yield* read(splitter.end())
}

/** @returns what is wrong as a sentence; null for a bundle or envelope without objects */
function readMember(bytes: Buffer, limits: ReturnType<typeof limitsOf>): Member | string | null {
  if (!isUtf8(bytes)) return 'The text is not valid UTF-8.'
  const member = readObject(bytes.toString('utf8'), limits)
  if ('detail' in member) return member.detail
  const { value } = member
  const empty = Object.keys(value).length === 0 || (value.type === 'bundle' && value.objects === undefined)
  return empty && member.problems.length === 0 ? null : member
}

/** Gathers objects and stores them in batches, in order; while one is being stored the next is read. */
class Batches {
  readonly #exchange: Exchange
  readonly #target: Target
  readonly #onResult: (entry: Entry, result: Result) => void
  #entries: Entry[] = []
  #bytes = 0
  #running: Promise<void> = Promise.resolve()
  #tended = 0

  constructor(exchange: Exchange, target: Target, onResult: (entry: Entry, result: Result) => void) {
    this.#exchange = exchange
    this.#target = target
    this.#onResult = onResult
  }

  async add(entry: Entry): Promise<void> {
    this.#entries.push(entry)
    this.#bytes += entry.member.text.length
    if (this.#entries.length < BATCH && this.#bytes < BATCH_BYTES) return
    await this.#running
    const entries = this.#entries
    this.#entries = []
    this.#bytes = 0
    this.#running = this.#store(entries)
    this.#running.catch(() => {})
  }

  async finish(): Promise<void> {
    await this.#running
    const entries = this.#entries
    this.#entries = []
    if (entries.length > 0) await this.#store(entries)
  }

  async #store(entries: readonly Entry[]): Promise<void> {
    const exchange = this.#exchange
    const members = entries.map(({ member }, index) => ({ ...member, index }))
    const batch = await inWorld(exchange, true, async () => {
      const { subject, collection, rights } = actAs(exchange, this.#target, 'write')
      const writer = { subject, collection, canRead: rights.read }
      return await storeBatch(exchange, writer, members, exchange.clock.now(), null)
    })
    if (performance.now() - this.#tended > TEND) {
      await tendStatistics(exchange.pool)
      this.#tended = performance.now()
    }
    const details = matcher(entries)
    for (const detail of list(batch.failures)) {
      const entry = details(detail)
      if (entry) this.#onResult(entry, { reason: `${detail.id}: ${detail.message ?? 'refused'}` })
    }
    for (const detail of list(batch.successes)) {
      const entry = details(detail)
      if (entry) this.#onResult(entry, detail.message === 'already present' ? 'present' : 'stored')
    }
  }
}

interface Detail {
  id: string
  version: string
  message?: string
}

const list = (text: string) => JSON.parse(`[${text}]`) as Detail[]

/** Finds the entry that a detail is about, each once: by its id, and by version where several have that id. */
function matcher(entries: readonly Entry[]): (detail: Detail) => Entry | undefined {
  const byId = new Map<string, Entry[]>()
  entries.forEach((entry, index) => {
    const { id } = entry.member.value
    for (const key of [typeof id === 'string' ? id : '', `objects[${index}]`]) {
      const found = byId.get(key)
      if (found) found.push(entry)
      else byId.set(key, [entry])
    }
  })
  const used = new Set<Entry>()
  return ({ id, version }) => {
    const open = (byId.get(id) ?? []).filter((entry) => !used.has(entry))
    const versionOf = ({ member: { value } }: Entry) => value.modified ?? value.created
    const entry = open.find((e) => versionOf(e) === version) ?? open[0]
    if (entry) used.add(entry)
    return entry
  }
}

/** A file that is damaged, or gone while it is read: the next one may be whole. */
function isUnreadable(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return !(error instanceof AppError) && typeof code === 'string' && /^(Z_|E[A-Z]+$)/.test(code)
}
