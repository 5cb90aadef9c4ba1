/** Schemas that agreements, vetoes and opt-outs have in common, and their times. */
import { type TSchema, Type } from 'typebox'
import { AppError } from '../../errors.ts'
import { REASON } from '../../sharing/acting.ts'
import type { Ended } from '../../sharing/agreement-lists.ts'
import { formatMicros, type Micros, parseMicros } from '../../time.ts'
import { said } from './describe.ts'
import { closed } from './operation.ts'

export const level = Type.String({ enum: ['clear', 'green', 'amber', 'amber+strict', 'red'] })
export const uuid = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
})
/** An organization's id or a country's code. */
export const side = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 256,
    pattern: said('^[^\\s\\u0000-\\u001f\\u007f]+$', 'must be the id of an organization, or a country code'),
    description,
  })
export const reason = Type.String({
  minLength: 1,
  maxLength: REASON,
  pattern: said(
    '^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]*[^\\s\\u0000-\\u001f\\u007f\\ud800-\\udfff][^\\u0000-\\u001f\\u007f\\ud800-\\udfff]*$',
    'must be one line with more than white space in it',
  ),
  description: 'Why, in one line; kept in the audit and shown to the parties.',
})
export const reasonOnly = closed({ reason })

export const orNull = <T extends TSchema>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description })

export const instant = Type.String({ format: 'date-time', maxLength: 40 })
export const ended = orNull(
  closed({ at: instant, by: Type.String(), reason: Type.String() }),
  'Set when somebody ended it.',
)

/** A time that was sent. @throws unprocessable */
export function sentTime(text: string | null | undefined, path: string): Micros | null {
  if (text === null || text === undefined) return null
  const at = parseMicros(text)
  if (at !== null) return at
  const message = 'must be a time in UTC such as 2027-01-01T00:00:00Z'
  throw new AppError('unprocessable', { detail: `${path} ${message}.`, problems: [{ path, message }] })
}

export const shownTime = (at: Micros | null) => (at === null ? null : formatMicros(at))

export const shownEnd = (end: Ended | null) => end && { ...end, at: formatMicros(end.at) }
