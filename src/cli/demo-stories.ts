/** What the demo tells: invented intrusions, each of one organization, with the marking that it would carry. */

/** Names of marking combinations; demo-objects.ts says what each refers to. */
export type Marking =
  | 'white1'
  | 'clear2'
  | 'green1'
  | 'green2'
  | 'amber1'
  | 'amber2'
  | 'strict2'
  | 'strict-opencti'
  | 'red1'
  | 'red2'
  | 'none'

/** Conditions of a release marking (policy.md §2); `name` is what the definition is called. */
export interface ReleaseTerms {
  name: string
  releasable_to?: {
    countries?: string[]
    communities?: string[]
    organizations?: string[]
    persons?: string[]
  }
  not_releasable_to?: { countries: string[] }
  clients?: 'denied' | 'allowed'
  not_before?: string
  not_after?: string
  disclose_recipients?: false
}

export interface Story {
  /** Unique; part of every id. */
  key: string
  organization: string
  principal: string
  marking: Marking
  release?: ReleaseTerms
  actor: { name: string; alias: string; types: string[]; motivation: string }
  campaign: string
  malware: { name: string; types: string[] }
  technique: { name: string; phase: string; how: string }
  infrastructure: { name: string; types: string[] }
  target: { name: string; sector: string }
  summary: string
  /** Days into 2025. */
  day: number
  /** Documentation networks: 192.0.2, 198.51.100 or 203.0.113, and the first host of the story's own block. */
  network: string
  host: number
}

export const STORIES: readonly Story[] = [
  {
    key: 'silk-kite',
    organization: 'mycert',
    principal: 'mycert-analyst',
    marking: 'amber2',
    actor: {
      name: 'SILK KITE',
      alias: 'Paper Lantern',
      types: ['crime-syndicate'],
      motivation: 'personal-gain',
    },
    campaign: 'Ledger Harvest',
    malware: { name: 'KiteLoader', types: ['downloader', 'trojan'] },
    technique: {
      name: 'Invoice lure with a macro',
      phase: 'initial-access',
      how: 'A mail about an unpaid invoice.',
    },
    infrastructure: { name: 'Ledger Harvest staging', types: ['staging', 'hosting-malware'] },
    target: { name: 'Retail banks', sector: 'financial-services' },
    summary: 'Bank staff in two cities received invoices that install a loader on opening.',
    day: 70,
    network: '192.0.2',
    host: 10,
  },
  {
    key: 'parcel-fox',
    organization: 'mycert',
    principal: 'mycert-siem',
    marking: 'green1',
    actor: { name: 'PARCEL FOX', alias: 'Lost Package', types: ['criminal'], motivation: 'personal-gain' },
    campaign: 'Missed Delivery',
    malware: { name: 'FoxForm', types: ['spyware'] },
    technique: {
      name: 'Text message with a payment form',
      phase: 'initial-access',
      how: 'A text about a parcel.',
    },
    infrastructure: { name: 'Missed Delivery forms', types: ['phishing'] },
    target: { name: 'Phone subscribers', sector: 'telecommunications' },
    summary: 'Text messages announce a parcel and lead to a form that asks for card data.',
    day: 96,
    network: '192.0.2',
    host: 30,
  },
  {
    key: 'night-heron',
    organization: 'mycert',
    principal: 'mycert-analyst',
    marking: 'red2',
    release: {
      name: 'FOR ONE PERSON IN SG',
      releasable_to: { persons: ['sgcert-analyst'] },
      disclose_recipients: false,
    },
    actor: { name: 'NIGHT HERON', alias: 'Mangrove', types: ['spy'], motivation: 'organizational-gain' },
    campaign: 'Tidal Flat',
    malware: { name: 'HeronNest', types: ['backdoor', 'remote-access-trojan'] },
    technique: { name: 'Stolen maintenance account', phase: 'persistence', how: 'An account of a supplier.' },
    infrastructure: { name: 'Tidal Flat relays', types: ['command-and-control'] },
    target: { name: 'Port operators', sector: 'transportation' },
    summary: 'An open investigation: the intruder still has access, and must not learn that we know.',
    day: 150,
    network: '192.0.2',
    host: 50,
  },
  {
    key: 'copper-swarm',
    organization: 'sgcert',
    principal: 'sgcert-analyst',
    marking: 'white1',
    actor: { name: 'COPPER SWARM', alias: 'Rentable', types: ['criminal'], motivation: 'personal-gain' },
    campaign: 'Summer Flood',
    malware: { name: 'SwarmBot', types: ['bot', 'ddos'] },
    technique: { name: 'Flood from home routers', phase: 'impact', how: 'Many routers send at once.' },
    infrastructure: { name: 'Summer Flood control', types: ['botnet', 'command-and-control'] },
    target: { name: 'Public web sites', sector: 'government' },
    summary: 'A network of home routers is rented out to flood web sites; published so that all can filter.',
    day: 120,
    network: '198.51.100',
    host: 10,
  },
  {
    key: 'quiet-monsoon',
    organization: 'sgcert',
    principal: 'sgcert-analyst',
    marking: 'strict2',
    release: { name: 'REL TO ASEAN-CERTS', releasable_to: { communities: ['asean-certs'] } },
    actor: { name: 'QUIET MONSOON', alias: 'Low Cloud', types: ['spy'], motivation: 'organizational-gain' },
    campaign: 'Reading Room',
    malware: { name: 'MonsoonMail', types: ['spyware', 'exploit-kit'] },
    technique: {
      name: 'Forwarding rule in mailboxes',
      phase: 'collection',
      how: 'A hidden rule copies mail.',
    },
    infrastructure: { name: 'Reading Room drops', types: ['exfiltration'] },
    target: { name: 'Ministries', sector: 'government' },
    summary: 'Mailboxes of officials forward to drops abroad; for the national CERTs of the region only.',
    day: 185,
    network: '198.51.100',
    host: 40,
  },
  {
    key: 'grid-lark',
    organization: 'decert',
    principal: 'decert-analyst',
    marking: 'strict-opencti',
    release: {
      name: 'REL TO FR UNTIL 2099',
      releasable_to: { countries: ['FR'] },
      not_after: '2099-12-31T00:00:00.000Z',
    },
    actor: { name: 'GRID LARK', alias: 'Substation', types: ['nation-state'], motivation: 'dominance' },
    campaign: 'Cold Start',
    malware: { name: 'LarkSong', types: ['backdoor'] },
    technique: {
      name: 'Remote access of a contractor',
      phase: 'lateral-movement',
      how: 'A jump host of a contractor.',
    },
    infrastructure: { name: 'Cold Start relays', types: ['command-and-control', 'anonymization'] },
    target: { name: 'Energy suppliers', sector: 'energy' },
    summary: 'Somebody maps the control networks of energy suppliers on both sides of the Rhine.',
    day: 200,
    network: '203.0.113',
    host: 10,
  },
  {
    key: 'tin-badger',
    organization: 'decert',
    principal: 'decert-analyst',
    marking: 'green2',
    actor: {
      name: 'TIN BADGER',
      alias: 'Ransom Desk',
      types: ['crime-syndicate'],
      motivation: 'personal-gain',
    },
    campaign: 'Long Weekend',
    malware: { name: 'BadgerLock', types: ['ransomware'] },
    technique: {
      name: 'Encryption on a holiday',
      phase: 'impact',
      how: 'Systems are encrypted before a holiday.',
    },
    infrastructure: { name: 'Long Weekend portals', types: ['hosting-target-lists', 'exfiltration'] },
    target: { name: 'Town administrations', sector: 'government-local' },
    summary: 'Towns are encrypted on the eve of long weekends, when nobody looks.',
    day: 215,
    network: '203.0.113',
    host: 40,
  },
  {
    key: 'blue-orchard',
    organization: 'frcert',
    principal: 'frcert-analyst',
    marking: 'amber1',
    release: { name: 'NOT TO SG, NO CLIENTS', not_releasable_to: { countries: ['SG'] }, clients: 'denied' },
    actor: { name: 'BLUE ORCHARD', alias: 'Windfall', types: ['hacker'], motivation: 'notoriety' },
    campaign: 'Open Gate',
    malware: { name: 'OrchardShell', types: ['webshell'] },
    technique: {
      name: 'Web shell in a file manager',
      phase: 'initial-access',
      how: 'An upload form takes scripts.',
    },
    infrastructure: { name: 'Open Gate mirrors', types: ['hosting-malware'] },
    target: { name: 'Universities', sector: 'education' },
    summary: 'Web shells on the servers of universities, sold on afterwards.',
    day: 230,
    network: '203.0.113',
    host: 80,
  },
  {
    key: 'till-magpie',
    organization: 'petrobank',
    principal: 'petrobank-analyst',
    marking: 'strict2',
    actor: { name: 'TILL MAGPIE', alias: 'Coin Nest', types: ['criminal'], motivation: 'personal-gain' },
    campaign: 'Night Deposit',
    malware: { name: 'MagpieTap', types: ['keylogger'] },
    technique: {
      name: 'Skimming of terminals',
      phase: 'collection',
      how: 'A reader sits in front of a reader.',
    },
    infrastructure: { name: 'Night Deposit drops', types: ['exfiltration'] },
    target: { name: 'Fuel stations', sector: 'retail' },
    summary: 'Terminals at fuel stations send card data to drops; reported to the national CERT alone.',
    day: 245,
    network: '192.0.2',
    host: 120,
  },
  {
    key: 'river-otter',
    organization: 'rheinstrom',
    principal: 'rheinstrom-analyst',
    marking: 'amber2',
    release: { name: 'REL TO DECERT AND FRCERT', releasable_to: { organizations: ['decert', 'frcert'] } },
    actor: { name: 'RIVER OTTER', alias: 'Weir', types: ['insider-disgruntled'], motivation: 'revenge' },
    campaign: 'Low Water',
    malware: { name: 'OtterTap', types: ['remote-access-trojan'] },
    technique: {
      name: 'Modem in a cabinet',
      phase: 'persistence',
      how: 'A radio modem in a control cabinet.',
    },
    infrastructure: { name: 'Low Water gateway', types: ['command-and-control'] },
    target: { name: 'Hydro power', sector: 'energy' },
    summary: 'A modem of unknown origin was found in the control cabinet of a weir.',
    day: 260,
    network: '203.0.113',
    host: 120,
  },
]
