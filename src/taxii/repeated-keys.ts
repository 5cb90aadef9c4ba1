/** Keys that occur twice in the JSON of people: refused as they are in objects, since parsers differ in which one they take (D-2). */
import type { Problem } from '../errors.ts'
import { readObject } from '../stix/index.ts'

/** Nothing that is taken is as deep. */
const DEPTH = 64

const MESSAGES = new Map([
  ['json/duplicate-key', 'occurs twice in its object: send it once'],
  ['limit/depth', 'is nested too deep'],
])

/**
 * Where an object has a key twice, or is too deep to be looked through; none when the text is no object.
 * @param text well-formed JSON
 * @param most bytes that it may have
 */
export function repeatedKeys(text: string, most: number): Problem[] {
  const read = readObject(text, { depth: DEPTH, objectBytes: most, idLength: most, objectKeys: most })
  if ('detail' in read) return []
  return read.problems.flatMap(({ code, path }) => {
    const message = MESSAGES.get(code)
    return message === undefined ? [] : [{ path, message }]
  })
}
