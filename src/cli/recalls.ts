/** `comity recalls`: what a principal received and that has become stricter or is deleted since. */
import { listRecalls } from '../sharing/recalls.ts'
import { type CliContext, EXIT } from './context.ts'
import { asMember } from './member.ts'
import { table } from './table.ts'

/** Prints one line per recall, those that are not acknowledged first. */
export async function recallsCommand(context: CliContext, { as }: { as: string }): Promise<number> {
  const rows = await asMember(context, as, async (exchange, caller) => {
    const found: string[][] = []
    let next: string | undefined
    do {
      const page: Awaited<ReturnType<typeof listRecalls>> = await listRecalls(exchange, caller, {
        limit: 1000,
        next,
      })
      for (const r of page.items) {
        const state = r.acknowledged_at === null ? 'open' : 'acknowledged'
        found.push([r.id, r.at, r.object, r.versions.join(','), r.kind, state, r.reason ?? ''])
      }
      next = page.next
    } while (next)
    return found
  })
  if (rows.length === 0) context.err('no recalls')
  else {
    const head = ['RECALL', 'AT', 'OBJECT', 'VERSIONS', 'KIND', 'STATE', 'REASON']
    for (const line of table([head, ...rows])) context.out(line)
  }
  return EXIT.ok
}
