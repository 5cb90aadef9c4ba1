/** `comity audit`: who changed what, when and why, for the operator. */
import { overClient } from '../store/client.ts'
import { readAudit } from '../store/read-audit.ts'
import { formatMicros } from '../time.ts'
import { dateOf } from './acting.ts'
import { type CliContext, EXIT } from './context.ts'

const PAGE = 1000

/** One line per entry, oldest first; with `json` one JSON object per line. */
export async function auditCommand(
  context: CliContext,
  command: { since?: string; json?: boolean },
): Promise<number> {
  const since = dateOf(command.since, '--since')
  const count = await context.withOwner(async (client) => {
    const db = overClient(client)
    let after = 0n
    for (let shown = 0; ; ) {
      const entries = await readAudit(db, since, after, PAGE)
      for (const { id, at, actor, action, detail } of entries) {
        after = id
        const when = formatMicros(at)
        if (command.json) context.out(JSON.stringify({ at: when, actor, action, detail }))
        else context.out(`${when}  ${plain(actor)}  ${plain(action)}  ${plain(JSON.stringify(detail))}`)
      }
      shown += entries.length
      if (entries.length < PAGE) return shown
    }
  })
  if (count === 0) context.err('no entries')
  return EXIT.ok
}

/** Nothing that a terminal would obey. */
const plain = (text: string) => text.replace(/\p{Cc}/gu, '?')
