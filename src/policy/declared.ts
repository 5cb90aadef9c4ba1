/** The topology as a file declares it (policy.md §12): names checked, secrets read, not yet in the database. */
import type { Micros } from '../time.ts'
import type {
  Agreement,
  Collection,
  Community,
  Country,
  Organization,
  Principal,
  Tlp,
  Veto,
} from './model.ts'

export interface DeclaredToken {
  name: string
  /** Hex of the SHA-256 of the token; the token itself is never kept. */
  sha256: string
  /** What lists show of a token in our own format; null when it has another form. */
  prefix: string | null
  maxTlp: Tlp | null
  scopes: ('read' | 'write')[]
  /** Ids or aliases; null = all. */
  collections: string[] | null
  expires: Micros | null
  cidrs: string[] | null
}

export interface DeclaredPrincipal extends Omit<Principal, 'changed'> {
  /** null = not stated: a stored password stays. */
  password: { clear: string } | { hash: string } | null
  tokens: DeclaredToken[]
}

export type DeclaredCollection = Omit<Collection, 'seq' | 'root' | 'created' | 'matched'>

export interface DeclaredRoot {
  path: string
  title: string
  description: string | null
  isDefault: boolean
  collections: DeclaredCollection[]
}

export type DeclaredVeto = Omit<Veto, 'id'> & { reason: string }

export interface DeclaredTopology {
  countries: Country[]
  organizations: (Omit<Organization, 'clients'> & { clients: string[] })[]
  communities: (Omit<Community, 'members'> & { members: string[] })[]
  principals: DeclaredPrincipal[]
  agreements: Agreement[]
  vetoes: DeclaredVeto[]
  /** Organizations and countries that neither give nor receive under the baseline. */
  optOuts: string[]
  /** Members null = every declared organization. */
  baseline: { maxTlp: Tlp; members: string[] | null }
  roots: DeclaredRoot[]
}
