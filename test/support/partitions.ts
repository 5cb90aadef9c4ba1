/** Partitions of the log at borders of a test's own choice. */
import { overClient } from '../../src/store/client.ts'
import { readPartitions } from '../../src/store/partitions.ts'
import { asOwner } from './in-process.ts'

/** Cuts the first partition of a log without rows at these positions, ascending. */
export async function splitLog(url: string, borders: readonly bigint[]): Promise<void> {
  await asOwner(url, async (client) => {
    await client.query('set role comity_owner')
    const [first] = await readPartitions(overClient(client))
    if (!first) throw new Error('the log has no partition')
    await client.query(`alter table item detach partition ${first.name}`)
    let lower = 'minvalue'
    for (const border of borders) {
      const name = `item_from_${lower}`
      await client.query(`create table ${name} partition of item for values from (${lower}) to (${border})`)
      await client.query(`select wall_partition('${name}')`)
      lower = String(border)
    }
    await client.query(
      `alter table item attach partition ${first.name} for values from (${lower}) to (${first.upper})`,
    )
  })
}

/** Borders a few seconds apart: within the random histories, whose steps take one. */
export const bordersFrom = (start: bigint): bigint[] =>
  Array.from({ length: 12 }, (_, i) => start + BigInt(i * 3) * 1_000_000n)
