/** What a subject may read at most, in words that it can be told (policy.md §13). */
import type { Subject, Tlp } from '../policy/model.ts'
import { ceiling } from '../policy/permit.ts'
import type { Exchange } from '../taxii/exchange.ts'

export interface Clearance {
  principal: string
  kind: 'person' | 'service'
  custodian: boolean
  organization: string
  country: string
  communities: string[]
  clearance: Tlp
  max_tlp: Tlp | null
}

export function clearanceOf(exchange: Exchange, subject: Subject): Clearance {
  const { topology } = exchange.world
  const { principal, organization, cap } = subject
  return {
    principal: principal.id,
    kind: principal.kind,
    custodian: principal.custodian,
    organization: organization.id,
    country: organization.country,
    communities: [...topology.communities.values()]
      .filter((community) => community.members.has(organization.id))
      .map((community) => community.id)
      .sort(),
    clearance: ceiling(topology, subject),
    max_tlp: cap,
  }
}
