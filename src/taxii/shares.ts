/** How a page's rows are written down in the ledger: grouped by originator and audience. */
import { originOf } from '../policy/compile.ts'
import type { AudienceRecord, Topology } from '../policy/model.ts'
import type { Stretch } from '../store/runs.ts'

/** What one page holds of one organization under one audience. */
export interface Share extends Stretch {
  organization: string
  /** The organization's country. */
  country: string
  audience: number
}

/**
 * What the ledger says of a page.
 * @param places where its rows lie, by audience
 * @param recordOf the record of an audience
 */
export function sharesOf(
  places: ReadonlyMap<number, Stretch>,
  recordOf: (audience: number) => AudienceRecord,
  { organizations }: Topology,
): Share[] {
  const shares: Share[] = []
  for (const [audience, stretch] of places) {
    const organization = originOf(recordOf(audience))
    // The standard definitions are nobody's.
    if (organization === '') continue
    const country = organizations.get(organization)?.country ?? 'ZZ'
    shares.push({ organization, country, audience, ...stretch })
  }
  return shares
}
