/** Reading standard input: whole, or a secret from a terminal that shows nothing. */

import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { Writable } from 'node:stream'
import { Refusal } from '../errors.ts'

/** All of a stream as UTF-8, up to `most` bytes. @throws Refusal (2) when it is longer */
export async function readAll(input: Readable, most: number): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of input) {
    const bytes = Buffer.from(part as Buffer)
    size += bytes.length
    if (size > most) throw new Refusal(`Standard input is longer than ${most} bytes.`, 2)
    parts.push(bytes)
  }
  return Buffer.concat(parts).toString('utf8')
}

/**
 * One secret: asked for twice on a terminal, without echo; else the first line of the input.
 * @param prompt where the questions go
 */
export async function readSecret(
  input: Readable & { isTTY?: boolean },
  prompt: NodeJS.WritableStream,
  what: string,
): Promise<string> {
  if (!input.isTTY) return (await readAll(input, 64 * 1024)).split(/\r?\n/, 1)[0] ?? ''
  const first = await ask(input, prompt, `${what}: `)
  if ((await ask(input, prompt, `${what}, again: `)) !== first) {
    throw new Refusal('The two are not the same; nothing was changed.')
  }
  return first
}

async function ask(input: Readable, prompt: NodeJS.WritableStream, question: string): Promise<string> {
  prompt.write(question)
  // The terminal's echo is readline's job while it is in raw mode: it writes into nothing.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output: silent, terminal: true, historySize: 0 })
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve)
      const stop = () => reject(new Refusal('Interrupted; nothing was changed.'))
      lines.once('SIGINT', stop)
      lines.once('close', stop)
    })
  } finally {
    lines.close()
    prompt.write('\n')
  }
}
