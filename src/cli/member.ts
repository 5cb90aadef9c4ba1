/** A command that does what an operation of the REST interface does, as a principal: the same rules, one sentence if not. */
import { readConfig } from '../config.ts'
import { AppError, Refusal } from '../errors.ts'
import type { Caller, Subject } from '../policy/model.ts'
import { STANDARD_DEFINITIONS, TLP_BY_ID } from '../stix/index.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { inWorld } from '../taxii/operation.ts'
import { type CliContext, EXIT } from './context.ts'
import { withExchange } from './exchange.ts'
import { didYouMean } from './near.ts'

/** Runs `work` as this principal, again when the world changes meanwhile. @throws Refusal with a sentence */
export async function asMember<T>(
  context: Pick<CliContext, 'env'>,
  as: string,
  work: (exchange: Exchange, caller: Caller & { subject: Subject }) => Promise<T>,
): Promise<T> {
  return await withExchange(readConfig(context.env), async (exchange) => {
    try {
      return await inWorld(exchange, false, async () => {
        const { principals } = exchange.world.topology
        const subject = exchange.subject(principals.get(as))
        if (subject) return await work(exchange, { id: as, subject, token: null })
        const near = didYouMean(as, principals.keys())
        throw new Refusal(`There is no active principal "${as}"${near}.`, EXIT.usage)
      })
    } catch (error) {
      if (!(error instanceof AppError) || error.status >= 500) throw error
      if (error.code === 'notFound')
        throw new Refusal(`There is no such thing that ${as} may know of.`, EXIT.failed)
      throw new Refusal(error.message, error.code === 'badRequest' ? EXIT.usage : EXIT.failed)
    }
  })
}

const LEVEL = /^tlp:(clear|green|amber|amber\+strict|red)$/i

/** Ids of marking-definitions; `tlp:LEVEL` stands for that of TLP 2. @throws Refusal */
export function markingsOf(names: readonly string[]): string[] {
  return names.map((name) => {
    const level = LEVEL.exec(name)?.[1]?.toLowerCase()
    if (level) {
      const found = STANDARD_DEFINITIONS.findLast(({ id }) => TLP_BY_ID.get(id) === level)
      return (found as { id: string }).id
    }
    if (/^marking-definition--[0-9a-f-]{36}$/.test(name)) return name
    throw new Refusal(
      `"${name}" is no marking: give the id of a marking-definition, or tlp:clear, tlp:green, tlp:amber, tlp:amber+strict or tlp:red.`,
      EXIT.usage,
    )
  })
}

/** @throws Refusal for a reason that is empty or too long */
export function reasonOf(text: string): string {
  const reason = text.trim()
  if (reason.length > 0 && reason.length <= 1000) return reason
  throw new Refusal('Give a --reason of 1 to 1000 characters.', EXIT.usage)
}

/** An id that the server made. @throws Refusal */
export function idOf(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return text
  throw new Refusal(`"${text}" is no id that this server gave: list them first.`, EXIT.usage)
}
