/** How V8 collects garbage in a node that serves. */
import { setFlagsFromString } from 'node:v8'

/**
 * The heap may grow to four times what is alive before it is collected whole. V8 counts a page's bytes to a limit which
 * it takes from the heap, and the heap of a node is small: without this it marks all of it every thirty pages or so, on
 * another thread, for as much time as all the rest of a cold page takes. What is young is collected as before, every 32 MB.
 * V8 itself stays below half of the way to the most that a heap may have. To be called before much is in the heap.
 */
export function giveHeapRoom(): void {
  setFlagsFromString('--heap-growing-percent=300')
}
