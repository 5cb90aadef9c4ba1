/** `match[...]` fields beyond the standard's (TAXII 2.1 interop 3.13.2): read as strictly as the others. */
import { AppError } from '../errors.ts'
import { MATCH_FIELDS, type MatchField, type Sought, seek } from '../stix/index.ts'
import type { Match } from '../store/match.ts'

/** A search costs one look per value and audience, so both are bounded. */
const MOST_FIELDS = 10
const MOST_VALUES = 100

/** Their names as parameters. */
export const MATCH_PARAMETERS: ReadonlyMap<string, MatchField> = new Map(
  [...MATCH_FIELDS.values()].map((field) => [`match[${field.name}]`, field]),
)

/** As the API root advertises them. */
export const MATCH_NAMES: readonly string[] = [...MATCH_FIELDS.keys()]

/**
 * What the filters mean together: each field has one of its values.
 * @param given texts by parameter; others than those of MATCH_PARAMETERS are not looked at
 * @throws badParameter naming the parameter and what it takes
 */
export function parseMatches(given: ReadonlyMap<string, string>): Match[] | null {
  const found: Match[] = []
  for (const [name, text] of given) {
    const field = MATCH_PARAMETERS.get(name)
    if (field) found.push(parseMatch(name, field, text))
  }
  if (found.length > MOST_FIELDS)
    throw new AppError('badParameter', {
      detail: `At most ${MOST_FIELDS} of the fields that this API root names in x_comity_match_fields may be combined.`,
    })
  // In one order, so that equal filters are equal.
  found.sort((a, b) => (a.field < b.field ? -1 : 1))
  return found.length > 0 ? found : null
}

function parseMatch(name: string, field: MatchField, text: string): Match {
  const bad = (what: string): never => {
    throw new AppError('badParameter', { detail: `${name} ${what}.` })
  }
  if (text.includes('\0')) bad('has a NUL in it')
  const values = field.range ? [text] : text.split(',')
  if (values.some((value) => value === ''))
    bad('takes one value or a list separated by single commas, none of them empty')
  if (values.length > MOST_VALUES) bad(`takes at most ${MOST_VALUES} values`)
  // Names and patterns have commas in them: the whole text is looked for as well.
  if (field.kind === 'text' && values.length > 1) values.push(text)
  const sought = values.map((value): Sought => {
    const one = seek(field, value)
    return typeof one === 'string' ? bad(one) : one
  })
  const hashes = [...new Set(sought.flatMap((one) => one.hashes))].sort()
  return { field: field.name, hashes, compare: sought[0]?.compare ?? null }
}
