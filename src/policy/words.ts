/** Labels in words that the answers to people show (policy.md §13). */
import { formatMicros } from '../time.ts'
import { type AudienceRecord, type Label, type Level, rank } from './model.ts'

/** The strictest level of a row; of AMBER+STRICT and unmarked, which weigh the same, unmarked. */
export function levelOf({ own }: Pick<AudienceRecord, 'own'>): Level {
  return own.reduce<Level>(
    (found, { level }) =>
      rank(level) > rank(found) || (level === 'unmarked' && rank(found) === rank(level)) ? level : found,
    'clear',
  )
}

/** `TLP:AMBER of mycert, released to DE and SG, not to GB, no clients, from 2026-12-01T00:00:00.000000Z`. */
export function labelInWords(label: Label): string {
  const { level, org, releasableTo: to, notReleasableTo: not, clients, notBefore, notAfter } = label
  const words = [`${level === 'unmarked' ? 'no TLP marking' : `TLP:${level.toUpperCase()}`} of ${org}`]
  if (to) {
    const names = [to.countries, to.communities, to.organizations, to.persons].flatMap((list) => list ?? [])
    words.push(`released to ${listed(names)}`)
  }
  if (not) words.push(`not to ${listed(not.countries)}`)
  if (clients === 'denied') words.push('no clients')
  if (notBefore !== undefined) words.push(`from ${formatMicros(BigInt(notBefore))}`)
  if (notAfter !== undefined) words.push(`until ${formatMicros(BigInt(notAfter))}`)
  return words.join(', ')
}

function listed(names: readonly string[]): string {
  const shown = names.length > 20 ? [...names.slice(0, 20), `${names.length - 20} more`] : names
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}
