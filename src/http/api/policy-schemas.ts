/** Schemas that the answers about the sharing policy have in common. */
import { type TSchema, Type } from 'typebox'
import { said } from './describe.ts'
import { closed } from './operation.ts'

export const tlp = Type.String({ enum: ['clear', 'green', 'amber', 'amber+strict', 'red'] })
export const level = Type.String({ enum: ['clear', 'green', 'amber', 'amber+strict', 'red', 'unmarked'] })
export const time = Type.String({ description: 'RFC 3339 in UTC, with microseconds.' })
export const number = Type.Integer({ minimum: 0 })
export const orNull = <T extends TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description })

const none = said('^[^\\u0000]*$', 'must not have the character U+0000 in it')
/** A name from outside. */
export const name = (description?: string) =>
  Type.String({ minLength: 1, maxLength: 250, pattern: none, ...(description && { description }) })

export const collectionName = closed(
  {
    root: name('API root.'),
    id: Type.Optional(name('Id of the collection.')),
    alias: Type.Optional(name('Its alias, instead.')),
  },
  'A collection, by exactly one of id and alias.',
)

const named = { id: Type.String(), name: Type.String(), country: Type.String() }
export const organization = closed(named)
export const reading = closed({ ...named, people: number, feeds: number })
export const audience = {
  organizations: Type.Array(
    closed({
      ...named,
      people: number,
      feeds: number,
      rules: Type.Array(Type.String(), {
        description: 'What lets it read, such as `agreement MY>SG`; several when its principals differ.',
      }),
    }),
  ),
  countries: Type.Array(
    closed({ code: Type.String(), organizations: number, people: number, feeds: number }),
  ),
  totals: closed({ countries: number, organizations: number, people: number, feeds: number }),
}

/** Numbers of versions per level; a level without any is left out. */
export const perLevel = closed({
  clear: Type.Optional(number),
  green: Type.Optional(number),
  amber: Type.Optional(number),
  'amber+strict': Type.Optional(number),
  red: Type.Optional(number),
  unmarked: Type.Optional(number),
})
