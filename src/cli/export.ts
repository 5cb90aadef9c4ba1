/** `comity export`: what a principal may read of a collection, page by page, as every read decides it at that moment. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, statSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { Refusal } from '../errors.ts'
import { readsAs } from '../policy/access.ts'
import type { Caller } from '../policy/model.ts'
import { scan } from '../stix/scan.ts'
import { type Page, readPage } from '../store/read-items.ts'
import { deliver } from '../taxii/deliveries.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { inWorld } from '../taxii/operation.ts'
import { actAs, type Target } from './as-principal.ts'
import { EXIT } from './context.ts'

export interface ExportOptions extends Target {
  format: 'bundle' | 'ndjson' | 'envelope'
  /** Versions of each object. */
  version: 'last' | 'all'
  /** File to write; absent: standard output. */
  out?: string
  /** The summary, and what else is not the export. */
  err: (line: string) => void
  stdout?: Writable
}

const PAGE = 1000
const PAGE_BYTES = 8 * 1024 * 1024

/**
 * @returns exit code 0
 * @throws Refusal (2) for a principal or collection that is not there, or no right to read; (1) when writing fails
 */
export async function exportObjects(exchange: Exchange, options: ExportOptions): Promise<number> {
  actAs(exchange, options, 'look')
  await exchange.measureBreadth()
  const target = openTarget(options)
  try {
    const count = await writeAll(exchange, options, target.stream)
    await target.done()
    const { collection, root, as, version } = options
    const what = version === 'last' ? 'the last version of each' : 'every version'
    options.err(`${count} objects of ${collection} in ${root}, as ${as} may read them, ${what}`)
    return EXIT.ok
  } catch (error) {
    await target.drop()
    throw error
  }
}

async function writeAll(exchange: Exchange, options: ExportOptions, stream: Writable): Promise<number> {
  const [open, close] = frame(options.format)
  let count = 0
  let after: bigint | null = null
  for (;;) {
    const page: Page = await nextPage(exchange, options, after)
    if (page.count > 0) {
      const text = page.text.toString()
      if (options.format === 'ndjson') await write(stream, lines(text))
      else await write(stream, `${count === 0 ? open : ','}\n${text}`)
    }
    count += page.count
    after = page.last
    if (!page.more || after === null) break
  }
  if (options.format !== 'ndjson') await write(stream, count === 0 ? emptied(open) : `\n${close}\n`)
  return count
}

async function nextPage(exchange: Exchange, options: ExportOptions, after: bigint | null): Promise<Page> {
  return await inWorld(exchange, true, async () => {
    const { caller: acting, collection, rights } = actAs(exchange, options, 'look')
    const caller = readsAs(rights, acting) as Caller
    const last = options.version === 'last'
    const reader = exchange.reader(caller)
    const page = await readPage(exchange.pages, reader, {
      kind: 'objects',
      collection: collection.seq,
      ids: null,
      types: null,
      specs: null,
      matches: null,
      driver: null,
      versions: { first: false, last, all: !last, keys: [] },
      addedAfter: null,
      after,
      limit: PAGE,
      bytes: PAGE_BYTES,
      way: exchange.way(caller, collection.seq, PAGE),
      single: false,
      copies: collection.redaction === 'redact',
      places: exchange.config.ledger,
      record: null,
    })
    const { rewritten } = page
    const shares = exchange.shares(page.places)
    await deliver(exchange, caller, {
      collection: collection.seq,
      epoch: reader.mark.epoch,
      shares,
      rewritten,
      single: false,
    })
    return page
  })
}

function frame(format: ExportOptions['format']): [string, string] {
  if (format === 'bundle') return [`{"type":"bundle","id":"bundle--${randomUUID()}","objects":[`, ']}']
  return ['{"objects":[', ']}']
}

/** A list must not be empty (STIX 2.1 §3.1, TAXII 2.1 §3.7): without objects there is none. */
function emptied(open: string): string {
  return `${open.replace(/,?"objects":\[$/, '')}}\n`
}

/** One object per line, its text as it is stored. */
function lines(text: string): string {
  const found = scan(Buffer.from(`{"objects":[${text}]}`), 2)
  if ('malformedAt' in found) throw new Error('a page is not a list of objects')
  return found.members.map(({ start, end }) => `${found.bytes.toString('utf8', start, end)}\n`).join('')
}

/** Waits while the other side is slower. */
async function write(stream: Writable, text: string): Promise<void> {
  if (stream.errored) throw stream.errored
  if (!stream.write(text)) await once(stream, 'drain')
}

interface Destination {
  stream: Writable
  done(): Promise<void>
  drop(): Promise<void>
}

/** A file appears under its name when it is whole, and only its owner can read it. */
function openTarget({ out, stdout }: ExportOptions): Destination {
  if (out === undefined) {
    const nothing = async () => {}
    return { stream: stdout ?? process.stdout, done: nothing, drop: nothing }
  }
  // What is there and no regular file (a pipe, /dev/null) is written to directly.
  const direct = statSync(out, { throwIfNoEntry: false })?.isFile() === false
  const path = direct ? out : `${out}.part`
  const stream = createWriteStream(path, { mode: 0o600 })
  const failed = (error: NodeJS.ErrnoException) =>
    new Refusal(`${out} cannot be written (${error.code ?? error.message}).`, EXIT.failed)
  let problem: NodeJS.ErrnoException | null = null
  stream.on('error', (error) => {
    problem = error
  })
  return {
    stream,
    async done() {
      stream.end()
      await finished(stream).catch((error) => {
        throw failed(error)
      })
      if (!direct) await rename(path, out)
    },
    async drop() {
      stream.destroy()
      if (!direct) await rm(path, { force: true })
      if (problem) throw failed(problem)
    },
  }
}
