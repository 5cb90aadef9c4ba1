/** What a subject may read at most, where, and by which rules it receives, in words that it can be told (policy.md §13). */
import { mayLook } from '../policy/access.ts'
import type { Tlp } from '../policy/model.ts'
import { ceiling } from '../policy/permit.ts'
import { lastWidening, type Received, received } from '../policy/receives.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { formatMicros } from '../time.ts'
import { type Asker, knownCollections } from './known.ts'

export interface Clearance {
  principal: string
  kind: 'person' | 'service'
  custodian: boolean
  organization: string
  country: string
  communities: string[]
  clearance: Tlp
  max_tlp: Tlp | null
  collections: {
    root: string
    id: string
    alias: string | null
    title: string
    read: boolean
    write: boolean
    redaction: 'withhold' | 'redact'
    references: 'closed' | 'own'
  }[]
  receives: {
    by: Received['by']
    from: string | null
    to: string | null
    client_of: string | null
    max_tlp: Tlp
    until: string | null
  }[]
  full_pull_since: string | null
}

export function clearanceOf(exchange: Exchange, caller: Asker): Clearance {
  const { world } = exchange
  const { topology } = world
  const { principal, organization, cap } = caller.subject
  const now = exchange.clock.now()
  const widened = lastWidening(topology, organization, now)
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
    clearance: ceiling(topology, caller.subject),
    max_tlp: cap,
    collections: knownCollections(world, caller).map(({ collection, rights }) => ({
      root: collection.root,
      id: collection.id,
      alias: collection.alias,
      title: collection.title,
      read: mayLook(rights),
      write: rights.write,
      redaction: collection.redaction,
      references: collection.refs,
    })),
    receives: received(topology, organization, now).map(({ by, from, to, clientOf, maxTlp, until }) => ({
      by,
      from,
      to,
      client_of: clientOf,
      max_tlp: maxTlp,
      until: until === null ? null : formatMicros(until),
    })),
    full_pull_since: widened === null ? null : formatMicros(widened),
  }
}
