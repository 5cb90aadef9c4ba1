/** `comity policy`: who reads what and why, as a principal may know it; tables for people, JSON for programs. */
import { readFile } from 'node:fs/promises'
import { text as wholeOf } from 'node:stream/consumers'
import { AppError, Refusal } from '../errors.ts'
import { isTlp, type Tlp } from '../policy/model.ts'
import { explainObject } from '../sharing/explain.ts'
import type { Asker } from '../sharing/known.ts'
import { preview } from '../sharing/preview.ts'
import { reciprocity } from '../sharing/reciprocity.ts'
import { simulate } from '../sharing/simulate.ts'
import { type View, viewAs } from '../sharing/view-as.ts'
import { TLP_BY_ID } from '../stix/index.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { inWorld } from '../taxii/operation.ts'
import { actAs, actingAs, type Target } from './as-principal.ts'
import { EXIT } from './context.ts'
import { explained, previewed, reciprocal, simulated, viewed } from './policy-tables.ts'

/** What `comity policy` may be asked. */
export type PolicyQuestion =
  | ({ ask: 'preview'; object?: string; tlp?: string; marking?: string[] } & Target)
  | ({ ask: 'explain'; id: string; version?: string; reader: string } & Target)
  | ({ ask: 'view-as'; reader: string; limit: number } & Target)
  | {
      ask: 'simulate'
      as: string
      from: string
      to: string
      maxTlp?: string
      recipients: 'national-cert' | 'all'
      clients: boolean
      end: boolean
    }
  | { ask: 'reciprocity'; as: string }

export type PolicyCommand = PolicyQuestion & { json: boolean }

export interface PolicyOptions {
  command: PolicyCommand
  out: (line: string) => void
}

/**
 * Answers one question.
 * @returns exit code 0; 1 when a preview says that the object would be refused
 * @throws Refusal (2) for what is not there or not for this principal
 */
export async function policyCommand(exchange: Exchange, { command, out }: PolicyOptions): Promise<number> {
  const { answer, lines, code } = await inWorld(exchange, true, () => ask(exchange, command)).catch(
    (error: unknown) => {
      throw inWords(error)
    },
  )
  if (command.json) out(JSON.stringify(answer, null, 2))
  else for (const line of lines) out(line)
  return code
}

interface Answered {
  answer: object
  lines: string[]
  code: number
}

const done = (answer: object, lines: string[], code: number = EXIT.ok): Answered => ({ answer, lines, code })

async function ask(exchange: Exchange, command: PolicyQuestion): Promise<Answered> {
  switch (command.ask) {
    case 'preview': {
      const { caller, subject } = actAs(exchange, command, 'write')
      const value = command.object === undefined ? marked(command) : await readObject(command.object)
      const found = await preview(exchange, { ...caller, subject }, { ...command, value })
      return done(found, previewed(found), found.level === null ? EXIT.failed : EXIT.ok)
    }
    case 'explain': {
      const { caller, subject } = actAs(exchange, command, 'read')
      const organization = exchange.world.topology.organizations.has(command.reader)
      const reader = organization ? { organization: command.reader } : { principal: command.reader }
      const found = await explainObject(exchange, { ...caller, subject }, { ...command, reader })
      return done(found, explained(found))
    }
    case 'view-as': {
      const { caller, subject } = actAs(exchange, command, 'read')
      const found = await views(exchange, { ...caller, subject }, command)
      return done(found, viewed(found))
    }
    case 'simulate': {
      const found = await simulate(exchange, actingAs(exchange, command.as), agreement(command))
      return done(found, simulated(found))
    }
    case 'reciprocity': {
      const found = await reciprocity(exchange, actingAs(exchange, command.as))
      return done(found, reciprocal(found))
    }
  }
}

type Of<A> = Extract<PolicyQuestion, { ask: A }>

/** An object with nothing but markings. */
function marked({ tlp, marking = [] }: Of<'preview'>): Record<string, unknown> {
  const level = tlp === undefined ? null : levelOf(tlp)
  // Of the ids of a level, the last but OpenCTI's is TLP 2's.
  const known = [...TLP_BY_ID].filter(([, l]) => l === level).map(([id]) => id)
  const id = level === 'amber+strict' ? known[0] : known.at(-1)
  return { object_marking_refs: [...(id === undefined ? [] : [id]), ...marking] }
}

function levelOf(text: string): Tlp {
  const level = text.toLowerCase().replace(/^tlp:/, '')
  if (isTlp(level)) return level
  throw new Refusal(`"${text}" is no level: clear, green, amber, amber+strict or red.`, EXIT.usage)
}

/** One STIX object from a file; `-` is standard input. */
async function readObject(file: string): Promise<Record<string, unknown>> {
  const reading = file === '-' ? wholeOf(process.stdin) : readFile(file, 'utf8')
  const text = await reading.catch((error: NodeJS.ErrnoException) => {
    throw new Refusal(`${file} cannot be read (${error.code}).`, EXIT.usage)
  })
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>
    }
  } catch {
    // Said below.
  }
  throw new Refusal(`${file} is not one STIX object in JSON.`, EXIT.usage)
}

/** As many pages as the limit takes. */
async function views(exchange: Exchange, caller: Asker, command: Of<'view-as'>): Promise<View> {
  const { root, collection, reader, limit } = command
  const items: View['items'] = []
  let next: string | undefined
  do {
    const page: View = await viewAs(exchange, caller, {
      root,
      collection,
      as: reader,
      limit: Math.min(limit - items.length, 1000),
      ...(next !== undefined && { next }),
    })
    items.push(...page.items)
    next = page.next
  } while (next !== undefined && items.length < limit)
  return { items, ...(next !== undefined && { next }) }
}

function agreement(command: Of<'simulate'>): Parameters<typeof simulate>[2] {
  const { from, to, maxTlp, recipients, clients } = command
  const max_tlp = maxTlp === undefined ? undefined : levelOf(maxTlp)
  if (command.end) return { end: { from, to, ...(max_tlp && { max_tlp }) } }
  if (max_tlp === undefined) {
    throw new Refusal('A draft needs --max-tlp; --end asks about an agreement that exists.', EXIT.usage)
  }
  return { draft: { from, to, max_tlp, recipients, clients } }
}

/** What REST answers by 403 and 404, as a sentence. */
function inWords(error: unknown): unknown {
  if (!(error instanceof AppError) || error.status >= 500) return error
  const sentence =
    error.code === 'notFound'
      ? 'There is no such thing for this principal: check the object, the reader and the names.'
      : (error.detail ?? `${error.title}.`)
  return new Refusal(sentence, EXIT.usage)
}
