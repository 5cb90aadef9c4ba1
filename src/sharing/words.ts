/** What an agreement, a veto or an opt-out changes for whom, in a sentence or two. */
import type { Agreement, Topology, Veto } from '../policy/model.ts'
import { formatMicros, type Micros } from '../time.ts'

const tlp = (level: string) => `TLP:${level.toUpperCase()}`

function givers(topology: Topology, source: string): string {
  return topology.organizations.has(source) ? source : `organizations of ${source}`
}

function takers(topology: Topology, { source, target, recipients, clients }: Agreement): string {
  const { organizations, communities } = topology
  const single = organizations.get(target)
  const home = organizations.get(source)?.country ?? source
  if (single) {
    // A domestic rule reaches one organization, and never its clients.
    return clients && single.country !== home ? `${target} and its clients` : target
  }
  const where = communities.has(target) ? `the community ${target}` : target
  const who = recipients === 'all' ? `all organizations of ${where}` : `the national CERTs of ${where}`
  return clients ? `${who} and their clients` : who
}

const period = (from: Micros | null, until: Micros | null, now: Micros) =>
  [
    ...(from !== null && from > now ? [`from ${formatMicros(from)}`] : []),
    ...(until !== null ? [`until ${formatMicros(until)}`] : []),
  ]
    .map((part) => ` ${part}`)
    .join('')

/** What an agreement lets whom read, or whose signature it waits for. */
export function agreementWords(topology: Topology, agreement: Agreement, now: Micros): string {
  const { source, target, signed, maxTlp, validFrom, validUntil } = agreement
  const what = `${takers(topology, agreement)} may read what ${givers(topology, source)} share up to ${tlp(maxTlp)}`
  const open = [...new Set([source, target])].filter((side) => !signed.includes(side))
  if (open.length > 0) {
    return `A draft: nothing changes until ${open.join(' and ')} has signed. Then ${what}${period(validFrom, validUntil, now)}.`
  }
  const narrow =
    agreement.recipients === 'national-cert' && !topology.organizations.has(target)
      ? ' Its other organizations are reached up to GREEN.'
      : ''
  return `Now ${what}${period(validFrom, validUntil, now)}.${narrow}`
}

export function endWords(topology: Topology, agreement: Agreement): string {
  const { source, target, signed } = agreement
  if (![source, target].every((side) => signed.includes(side)))
    return 'The draft is withdrawn: nothing changes.'
  return `By this agreement nobody reads what ${givers(topology, source)} share any more; what ${takers(topology, agreement)} fetched until now stays with them.`
}

export function vetoWords(veto: Veto, now: Micros): string {
  const { country, to, level, named, validFrom, validUntil } = veto
  const who = to ? `organizations of ${to.join(', ')}` : 'nobody but the originating organization'
  const what = named ? `${named} of ${country}` : `what originates in ${country}`
  const from = level ? ` at ${tlp(level)} or stricter` : ''
  const period_ = period(validFrom, validUntil, now)
  return to
    ? `Now ${who} may not read ${what}${from}${period_}.`
    : `Now ${who} may read ${what}${from}${period_}.`
}

export function vetoEndWords({ country }: Veto): string {
  return `The veto is over: agreements, releases and the baseline decide again on what originates in ${country}.`
}

export function optOutWords(who: string): string {
  return `Now ${who} neither gives nor receives under the baseline; agreements and releases hold on.`
}

export function optInWords(who: string): string {
  return `Now ${who} takes part in the baseline again, if its members include it.`
}
