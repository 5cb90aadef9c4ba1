/** The exchange of a test database in this process, as a command of the program has it. */

import { PassThrough, type Readable } from 'node:stream'
import { withExchange } from '../../src/cli/exchange.ts'
import { type ExportOptions, exportObjects } from '../../src/cli/export.ts'
import { type ImportOptions, importFiles } from '../../src/cli/import.ts'
import { readConfig } from '../../src/config.ts'
import type { Exchange } from '../../src/taxii/exchange.ts'

/** Runs `work` on the exchange of a database. @param env more settings */
export async function onExchange<T>(
  url: string,
  work: (exchange: Exchange) => Promise<T>,
  env: Record<string, string> = {},
): Promise<T> {
  return await withExchange(readConfig({ DATABASE_URL: url, ...env }), work)
}

export interface Imported {
  code: number
  out: string[]
  err: string[]
  /** Of the summary. */
  read: number
  stored: number
  present: number
  failed: number
}

/** Imports, and reads the summary. */
export async function importInto(
  exchange: Exchange,
  options: Pick<ImportOptions, 'files' | 'root' | 'collection' | 'as'>,
  stdin?: Readable,
): Promise<Imported> {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await importFiles(exchange, {
    ...options,
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    ...(stdin && { stdin }),
  })
  const summary = /^(\d+) read, (\d+) stored, (\d+) already present, (\d+) failed /.exec(out.at(-1) ?? '')
  const [read = -1, stored = -1, present = -1, failed = -1] = (summary ?? []).slice(1).map(Number)
  return { code, out, err, read, stored, present, failed }
}

/** Exports to memory. */
export async function exportFrom(
  exchange: Exchange,
  options: Omit<ExportOptions, 'err' | 'stdout'>,
): Promise<{ code: number; text: string; err: string[] }> {
  const stdout = new PassThrough()
  const parts: Buffer[] = []
  stdout.on('data', (part: Buffer) => parts.push(part))
  const err: string[] = []
  const code = await exportObjects(exchange, { ...options, stdout, err: (line) => err.push(line) })
  stdout.end()
  return { code, text: Buffer.concat(parts).toString('utf8'), err }
}
