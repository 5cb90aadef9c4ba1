/** Readers in the form in which the answers show them: organizations, countries, totals (policy.md §13). */
import type { Organization } from '../policy/model.ts'
import type { OrganizationReaders } from '../policy/readers.ts'

/** An organization by the names that every member knows. */
export interface Named {
  id: string
  name: string
  country: string
}

export interface Reading extends Named {
  people: number
  feeds: number
}

export interface Audience {
  organizations: (Reading & { rules: string[] })[]
  countries: { code: string; organizations: number; people: number; feeds: number }[]
  totals: { countries: number; organizations: number; people: number; feeds: number }
}

export const nameOf = ({ id, name, country }: Organization): Named => ({ id, name, country })

/** @param principals of one organization */
export function readingOf(
  organization: Organization,
  principals: OrganizationReaders['principals'],
): Reading {
  const feeds = principals.filter((p) => p.kind === 'service').length
  return { ...nameOf(organization), people: principals.length - feeds, feeds }
}

export function audienceOf(readers: readonly OrganizationReaders[]): Audience {
  const countries = new Map<string, Audience['countries'][number]>()
  const totals = { countries: 0, organizations: 0, people: 0, feeds: 0 }
  const organizations = readers.map(({ organization, principals, rules }) => {
    const reading = readingOf(organization, principals)
    const { country: code, people, feeds } = reading
    const country = countries.get(code) ?? { code, organizations: 0, people: 0, feeds: 0 }
    countries.set(code, country)
    for (const sum of [country, totals]) {
      sum.organizations++
      sum.people += people
      sum.feeds += feeds
    }
    return { ...reading, rules }
  })
  totals.countries = countries.size
  return {
    organizations,
    countries: [...countries.values()].sort((a, b) => (a.code < b.code ? -1 : 1)),
    totals,
  }
}
