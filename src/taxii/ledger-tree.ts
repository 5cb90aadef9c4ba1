/** The Merkle tree over the hashes of a day's entries, as RFC 6962 §2.1 builds it: root, path, and the check of a path. */
import { createHash } from 'node:crypto'

const leaf = (hash: Buffer) => createHash('sha256').update('\x00').update(hash).digest()
const node = (left: Buffer, right: Buffer) =>
  createHash('sha256').update('\x01').update(left).update(right).digest()

/** One side of a path: what to join, and on which side it stands. */
export interface Step {
  side: 'left' | 'right'
  hash: Buffer
}

/** The root over all hashes, and the path of one of them to it. Memory grows with the logarithm of their number. */
export async function treeOf(
  hashes: AsyncIterable<Buffer> | Iterable<Buffer>,
  wanted = -1,
): Promise<{ root: Buffer; path: Step[]; size: number }> {
  // Perfect subtrees, from left to right, ever smaller; `holds` = the wanted leaf is in it.
  const stack: { hash: Buffer; height: number; holds: boolean }[] = []
  const path: Step[] = []
  const join = () => {
    const right = stack.pop() as (typeof stack)[number]
    const left = stack.pop() as (typeof stack)[number]
    if (left.holds) path.push({ side: 'right', hash: right.hash })
    if (right.holds) path.push({ side: 'left', hash: left.hash })
    stack.push({
      hash: node(left.hash, right.hash),
      height: left.height + 1,
      holds: left.holds || right.holds,
    })
  }
  let size = 0
  for await (const hash of hashes) {
    stack.push({ hash: leaf(hash), height: 0, holds: size === wanted })
    size++
    while (stack.length > 1 && stack.at(-1)?.height === stack.at(-2)?.height) join()
  }
  while (stack.length > 1) join()
  return { root: stack[0]?.hash ?? createHash('sha256').digest(), path, size }
}
