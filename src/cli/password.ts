/** `comity password set`: a principal's password, from a terminal without echo or from standard input. */
import type { Readable } from 'node:stream'
import { Refusal } from '../errors.ts'
import { hashPassword } from '../policy/credentials.ts'
import { overClient } from '../store/client.ts'
import { principalIds, storePassword } from '../store/manage-credentials.ts'
import { systemClock } from '../time.ts'
import { type CliContext, EXIT } from './context.ts'
import { readSecret } from './input.ts'
import { didYouMean } from './near.ts'

const SHORTEST = 8

/** Sets the password; whatever was made with the old one dies (remembered logins, JWTs). */
export async function setPassword(
  context: CliContext,
  command: { principal: string },
  stdin: Readable & { isTTY?: boolean } = process.stdin,
): Promise<number> {
  const ids = await context.withOwner((client) => principalIds(overClient(client)))
  if (!ids.includes(command.principal)) {
    throw new Refusal(`There is no principal ${command.principal}${didYouMean(command.principal, ids)}.`)
  }
  const password = await readSecret(stdin, process.stderr, `New password of ${command.principal}`)
  if ([...password].length < SHORTEST) {
    throw new Refusal(`A password has at least ${SHORTEST} characters; nothing was changed.`, EXIT.usage)
  }
  const hash = await hashPassword(password)
  const done = await context.withOwner((client) =>
    storePassword(overClient(client), command.principal, hash, systemClock.now()),
  )
  if (!done) throw new Refusal(`There is no principal ${command.principal} any more.`)
  context.err(`password of ${command.principal} set`)
  return EXIT.ok
}
