/** Merkle trees (RFC 6962, section 2.1): the hash of a leaf, and the two proofs. Indexes and sizes are safe integers. */
import { type Bytes, equal, sha256 } from './bytes'

const leafMark = Uint8Array.of(0)
const nodeMark = Uint8Array.of(1)

/** What stands in the tree for a leaf. */
export function leafHash(leaf: Bytes): Promise<Bytes> {
  return sha256(leafMark, leaf)
}

function nodeHash(left: Bytes, right: Bytes): Promise<Bytes> {
  return sha256(nodeMark, left, right)
}

const odd = (n: number) => n % 2 === 1
const half = (n: number) => Math.floor(n / 2)

/** Whether the tree of this size and root has the hash at the index (RFC 9162, section 2.1.3.2). */
export async function provesLeaf(
  hash: Bytes,
  index: number,
  size: number,
  root: Bytes,
  proof: readonly Bytes[],
): Promise<boolean> {
  if (!(index >= 0 && index < size)) return false
  let [at, last, sum] = [index, size - 1, hash]
  for (const each of proof) {
    if (last === 0) return false
    if (odd(at) || at === last) {
      sum = await nodeHash(each, sum)
      while (!odd(at) && at !== 0) {
        at = half(at)
        last = half(last)
      }
    } else {
      sum = await nodeHash(sum, each)
    }
    at = half(at)
    last = half(last)
  }
  return last === 0 && equal(sum, root)
}

/** How large a tree is and what its root is. */
export interface Tree {
  readonly size: number
  readonly root: Bytes
}

/** Whether a tree begins with all that an earlier one has (RFC 9162, section 2.1.4.2). */
export async function provesGrowth(earlier: Tree, later: Tree, proof: readonly Bytes[]): Promise<boolean> {
  if (earlier.size < 1 || earlier.size > later.size) return false
  if (earlier.size === later.size) return proof.length === 0 && equal(earlier.root, later.root)
  let [at, last] = [earlier.size - 1, later.size - 1]
  while (odd(at)) {
    at = half(at)
    last = half(last)
  }
  // A whole subtree is its own root, which the proof leaves out.
  const [start, ...rest] = at === 0 ? [earlier.root, ...proof] : proof
  if (!start) return false
  let [before, now] = [start, start]
  for (const each of rest) {
    if (last === 0) return false
    if (odd(at) || at === last) {
      before = await nodeHash(each, before)
      now = await nodeHash(each, now)
      while (!odd(at) && at !== 0) {
        at = half(at)
        last = half(last)
      }
    } else {
      now = await nodeHash(now, each)
    }
    at = half(at)
    last = half(last)
  }
  return last === 0 && equal(before, earlier.root) && equal(now, later.root)
}
