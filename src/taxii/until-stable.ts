/** Labels that depend on each other: objects may refer to one another in circles. */

/**
 * Runs a step for each, again and again while one may change another. Labels only grow, so it comes to an end.
 * @param step says whether it changed anything
 * @param again false when no step can change what another one has seen
 */
export function untilStable<T>(list: readonly T[], step: (one: T, i: number) => boolean, again = true): void {
  for (let round = 0; round <= list.length; round++) {
    let changed = false
    for (const [i, one] of list.entries()) if (step(one, i)) changed = true
    if (!changed || !again) return
  }
}
