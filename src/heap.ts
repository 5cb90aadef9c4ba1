/**
 * How V8 collects garbage in a node that serves. What can be said while it runs is here. How much may be young has to be
 * said when it starts (`--max-semi-space-size` in the first line of `main.ts`, `npm start` and the Dockerfile, in MB): half of
 * what V8 does while large envelopes come in is to copy what is young and still needed, and with twice the room it does
 * so half as often.
 */
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
