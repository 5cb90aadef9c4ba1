/** `comity release-request`: requests for release of the objects of the principal's organization. */
import { approveRequest, listFiled, listReceived, refuseRequest } from '../sharing/release-requests.ts'
import { type CliContext, EXIT } from './context.ts'
import { asMember, idOf, markingsOf, reasonOf } from './member.ts'
import { printRelabelled } from './relabel.ts'
import { table } from './table.ts'

export interface DecideCommand {
  id: string
  as: string
  reason: string
}

/** Prints one line per request, the last filed first. */
export async function listRequestsCommand(
  context: CliContext,
  { as, mine }: { as: string; mine: boolean },
): Promise<number> {
  const rows = await asMember(context, as, async (exchange, caller) => {
    const found: string[][] = []
    let next: string | undefined
    do {
      const asked = { limit: 1000, next }
      const page: Awaited<ReturnType<typeof listFiled | typeof listReceived>> = mine
        ? await listFiled(exchange, caller, asked)
        : await listReceived(exchange, caller, asked)
      for (const item of page.items) {
        const requester =
          'requester' in item && 'organization' in item ? `${item.requester} (${item.organization})` : as
        const why = item.reason ?? item.justification
        found.push([item.id, item.object, item.state, requester, JSON.stringify(item.to), why])
      }
      next = page.next
    } while (next)
    return found
  })
  if (rows.length === 0) context.err('no requests for release')
  else {
    for (const line of table([['REQUEST', 'OBJECT', 'STATE', 'BY', 'TO', 'WHY'], ...rows])) context.out(line)
  }
  return EXIT.ok
}

export async function approveCommand(
  context: CliContext,
  command: DecideCommand & { marking: string[] },
): Promise<number> {
  const id = idOf(command.id)
  const asked = { object_marking_refs: markingsOf(command.marking), reason: reasonOf(command.reason) }
  const done = await asMember(context, command.as, (exchange, caller) =>
    approveRequest(exchange, caller, id, asked),
  )
  printRelabelled(context, done)
  return EXIT.ok
}

export async function refuseCommand(context: CliContext, command: DecideCommand): Promise<number> {
  const [id, reason] = [idOf(command.id), reasonOf(command.reason)]
  await asMember(context, command.as, (exchange, caller) => refuseRequest(exchange, caller, id, reason))
  context.err(`request ${id} is declined`)
  return EXIT.ok
}
