/** Selectors of granular markings (STIX 2.1 §7.2.3.1): syntax, and whether they name a part of the object. */

const NAME = /^[A-Za-z0-9_-]{1,250}$/
const INDEX = /^\[(?:0|[1-9][0-9]{0,8})\]$/

/** More than the names of a hundred levels have. */
const LONGEST = 26_000

/** Steps of a selector, or null when it is not well-formed. */
export function parseSelector(selector: string): (string | number)[] | null {
  if (selector.length > LONGEST) return null
  const steps: (string | number)[] = []
  for (const part of selector.split('.')) {
    if (INDEX.test(part)) {
      if (steps.length === 0) return null
      steps.push(Number(part.slice(1, -1)))
    } else if (NAME.test(part)) steps.push(part)
    else return null
  }
  return steps
}

/** Does the selector name a part that the object has? */
export function resolves(value: unknown, steps: readonly (string | number)[]): boolean {
  let at = value
  for (const step of steps) {
    if (typeof at !== 'object' || at === null) return false
    if (typeof step === 'number') {
      if (!Array.isArray(at) || step >= at.length) return false
      at = at[step]
    } else {
      if (Array.isArray(at) || !Object.hasOwn(at, step)) return false
      at = (at as Record<string, unknown>)[step]
    }
  }
  return true
}
