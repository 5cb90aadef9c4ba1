/** Is the index of match fields what the texts of the objects say, no more and no less? */
import type pg from 'pg'
import { matchTerms } from '../../src/stix/index.ts'

/** @param client the owner's connection; @returns what is wrong, nothing when all is well */
export async function wrongMatches(client: pg.Client): Promise<string[]> {
  const wrong: string[] = []
  const { rows: texts } = await client.query<{ key: string; place: string; body: string }>(
    `select i.collection || ' ' || i.accepted || ' ' || coalesce(r.audience, i.audience) || ' ' || coalesce(r.rank::text, '-') as key,
       i.collection || ' ' || coalesce(r.audience, i.audience) || ' ' || i.position as place, coalesce(r.body, i.body) as body
     from item i left join rendering r on i.parted and r.collection = i.collection and r.accepted = i.accepted
     where not i.standard and i.collection not in (select collection from match_fill)`,
  )
  const { rows: noted } = await client.query<{
    key: string
    hashes: string[]
    dates: (string | null)[]
    numbers: string[] | null
  }>(
    `select collection || ' ' || accepted || ' ' || audience || ' ' || coalesce(rank::text, '-') as key,
       array(select x::text from unnest(hashes) as x order by 1) as hashes, array[modified, valid_from, valid_until] as dates, numbers::text[] as numbers
     from match_row where collection not in (select collection from match_fill)`,
  )
  const byKey = new Map(noted.map((row) => [row.key, row]))
  const due = new Set<string>()
  for (const { key, place, body } of texts) {
    const { numbers, modified, valid_from, valid_until, ...terms } = matchTerms(JSON.parse(body))
    const hashes = terms.hashes.map(String)
    const ns = numbers?.map((n) => (n === null ? null : String(n))) ?? null
    const row = byKey.get(key)
    byKey.delete(key)
    const same =
      JSON.stringify([[...hashes].sort(), [modified, valid_from, valid_until], ns]) ===
      JSON.stringify([[...(row?.hashes ?? [])].sort(), row?.dates, row?.numbers ?? null])
    if (!same) wrong.push(`${key} is noted as ${JSON.stringify(row)}, and its text is ${body}`)
    for (const hash of hashes) due.add(`${place} ${hash}`)
  }
  for (const key of byKey.keys()) wrong.push(`${key} is noted, and there is no such text`)
  const { rows: postings } = await client.query<{ posting: string; audiences: boolean }>(
    `select p.collection || ' ' || p.audience || ' ' || (p.bucket * 256 + get_byte(p.places, n)) || ' ' || p.hash as posting,
       exists (select from match_audience a where a.collection = p.collection and a.audience = p.audience) as audiences
     from match_posting p, generate_series(0, length(p.places) - 1) as n
     where p.collection not in (select collection from match_fill)`,
  )
  for (const { posting, audiences } of postings) {
    if (!due.delete(posting)) wrong.push(`the posting ${posting} leads nowhere, or twice`)
    if (!audiences) wrong.push(`the audience of ${posting} is not noted`)
  }
  for (const posting of due) wrong.push(`there is no posting ${posting}`)
  return wrong
}
