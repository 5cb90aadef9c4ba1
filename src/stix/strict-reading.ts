/** Reads the content of a marking strictly: what is not understood may be a restriction, so it ends the reading. */
import { quote } from './finding.ts'
import { timestampKey } from './timestamp.ts'

/** Thrown by the readers and caught by `reading`: the first thing that is wrong ends the reading. */
class Problem extends Error {}

export function fail(message: string): never {
  throw new Problem(message)
}

/** Runs a reader; its first problem becomes a value. */
export function reading<T>(read: () => T): T | { problem: string } {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof Problem) return { problem: cause.message }
    throw cause
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An object that has no other properties than these. */
export function closedRecord(
  value: unknown,
  where: string,
  known: readonly string[],
): Record<string, unknown> {
  if (!isRecord(value)) fail(`${where} is no object`)
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) fail(`${where} has the property ${quote(key)}, which may be a restriction`)
  }
  return value
}

/** A list of at most 300 short words, not empty; undefined when it is not there. */
export function words(object: Record<string, unknown>, key: string): string[] | undefined {
  if (!Object.hasOwn(object, key)) return undefined
  const list = object[key]
  if (!Array.isArray(list) || list.length === 0 || list.length > 300) {
    fail(`${key} must be a list of 1 to 300 words`)
  }
  for (const word of list as unknown[]) {
    if (typeof word !== 'string' || word === '' || word.length > 250)
      fail(`${key} holds ${quote(word)}, which is no word`)
  }
  return list as string[]
}

/** Words of which each is known. */
export function knownWords(
  object: Record<string, unknown>,
  key: string,
  known: readonly string[],
): readonly string[] {
  const list = words(object, key) ?? []
  const strange = list.find((word) => !known.includes(word))
  if (strange !== undefined) fail(`${key} holds ${quote(strange)}, which this server cannot enforce`)
  return list
}

/** One of these words. */
export function oneOf(
  object: Record<string, unknown>,
  key: string,
  allowed: readonly string[],
): string | undefined {
  if (!Object.hasOwn(object, key)) return undefined
  const value = object[key]
  if (typeof value !== 'string' || !allowed.includes(value)) {
    fail(`${key} must be one of ${allowed.join(', ')}, not ${quote(value)}`)
  }
  return value
}

/** A timestamp as it is spelled. */
export function instantOf(object: Record<string, unknown>, key: string): string | undefined {
  if (!Object.hasOwn(object, key)) return undefined
  const value = object[key]
  if (typeof value !== 'string' || timestampKey(value) === null)
    fail(`${key} must be a timestamp, not ${quote(value)}`)
  return value
}

export function required<T>(value: T | undefined, key: string): T {
  if (value === undefined) fail(`${key} is missing`)
  return value
}
