/** The answers of `comity policy` as tables. */
import { TLPS } from '../policy/model.ts'
import type { Audience, Reading } from '../sharing/audience.ts'
import type { ExplainAnswer } from '../sharing/explain.ts'
import type { PerLevel } from '../sharing/levels.ts'
import type { Preview } from '../sharing/preview.ts'
import type { Reciprocity } from '../sharing/reciprocity.ts'
import type { Simulation } from '../sharing/simulate.ts'
import type { View } from '../sharing/view-as.ts'
import { table } from './table.ts'

const cells = ({ id, country, people, feeds }: Reading) => [id, country, `${people}`, `${feeds}`]

export function previewed(found: Preview): string[] {
  const notes = [
    ...found.warnings.map((w) => `warning: ${w}`),
    ...found.problems.map((p) => `would be refused: ${p}`),
  ]
  if (found.level === null) return notes
  const lines = [
    `level: ${found.level}${found.quarantined ? ', kept for your organization' : ''}`,
    ...readers(found),
  ]
  if (found.anonymous) lines.push('and everybody, without credentials')
  if (found.from) lines.push('', `from ${found.from.at}:`, ...readers(found.from))
  for (const part of found.withheld_parts) {
    lines.push('', `without ${part.selectors.join(', ')} (${part.level}):`)
    lines.push(...table([['organization', 'country', 'people', 'feeds'], ...part.organizations.map(cells)]))
  }
  if (found.difference) {
    const { version, gained, lost } = found.difference
    const names = (list: { id: string }[]) => list.map((o) => o.id).join(', ') || 'nobody'
    lines.push('', `against version ${version}: gains ${names(gained)}; loses ${names(lost)}`)
  }
  return [...lines, ...notes]
}

function readers({ organizations, totals }: Audience): string[] {
  if (organizations.length === 0) return ['nobody reads it']
  return [
    ...table([
      ['organization', 'country', 'people', 'feeds', 'by'],
      ...organizations.map((o) => [...cells(o), o.rules.join('; ')]),
    ]),
    `${totals.people} people and ${totals.feeds} feeds of ${totals.organizations} organizations in ${totals.countries} countries`,
  ]
}

export function explained(found: ExplainAnswer): string[] {
  const lines = [`${found.id} version ${found.version}, ${found.level}`]
  if (found.readers.length === 0) lines.push('it has no active principal')
  for (const { people, feeds, decision, rule, label, conditions } of found.readers) {
    lines.push(
      '',
      `${people} people, ${feeds} feeds: ${decision ? 'yes' : 'no'}, ${rule}${label ? ` (${label})` : ''}`,
    )
    lines.push(...table(conditions.map((c) => [`  ${c.condition}`, c.verdict, c.detail])))
  }
  return lines
}

export function viewed({ items, next }: View): string[] {
  if (items.length === 0) return ['it sees nothing of what you see of your organization']
  return [
    ...table([
      ['id', 'version', 'level', 'readers', 'by'],
      ...items.map((i) => [i.id, i.version, i.level, i.readers.join(', '), i.rules.join('; ')]),
    ]),
    ...(next === undefined ? [] : ['and more: raise --limit']),
  ]
}

export function simulated({ considered, countries, organizations }: Simulation): string[] {
  const rows = [
    ...countries.map(({ code, gain, lose }) => ['country', code, numbers(gain), numbers(lose)]),
    ...organizations.map(({ id, gain, lose }) => ['organization', id, numbers(gain), numbers(lose)]),
  ]
  const total = `of ${considered} versions that you see`
  if (rows.length === 0) return [`nobody gains or loses, ${total}`]
  return [...table([['', 'who', 'gains', 'loses'], ...rows]), total]
}

export function reciprocal({ country, partners }: Reciprocity): string[] {
  if (partners.length === 0) return [`${country} has no partner yet`]
  return table([
    ['partner', `given by ${country}`, 'received'],
    ...partners.map((p) => [p.country, numbers(p.given), numbers(p.received)]),
  ])
}

/** `clear 3, amber 1`, in order; `-` for none. */
function numbers(perLevel: PerLevel): string {
  const found = [...TLPS, 'unmarked' as const].flatMap((level) =>
    perLevel[level] === undefined ? [] : [`${level} ${perLevel[level]}`],
  )
  return found.join(', ') || '-'
}
