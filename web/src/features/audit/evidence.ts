/** Fetches what the verification of an entry takes. */
import { ApiError, type AuditCheckpoint, api, dataOf } from '../../api/client'
import { parseProof, readCheckpoint } from './verify/note'
import type { Evidence } from './verify/verify'

/** Throws an ApiError when the server does not give something that it has to give. */
export async function fetchEvidence(index: number, earlier: string | undefined): Promise<Evidence> {
  const path = { index }
  const whole = await dataOf(api.GET('/api/v1/audit/entries/{index}', { params: { path } }))
  const checkpoint = await unless('checkpoint.none', dataOf(api.GET('/api/v1/audit/checkpoint')))
  const proven = await unless('audit.range', fetchProof(index, checkpoint))
  const proof = proven?.proof
  return {
    index,
    now: Date.now(),
    hash: whole.hash,
    leaf: whole.leaf,
    body: whole.body,
    parts: whole.parts,
    damaged: whole.entry.state === 'damaged',
    proof,
    cosigned: proven?.cosigned,
    since: await fetchGrowth(proven?.cosigned, proof),
    keys: checkpoint?.keys ?? [],
    witnessKeys: checkpoint?.witnessKeys ?? [],
    earlier,
    growth: await fetchGrowth(earlier, proof),
  }
}

async function fetchProof(index: number, checkpoint: AuditCheckpoint | undefined) {
  if (!checkpoint) return undefined
  return dataOf(api.GET('/api/v1/audit/entries/{index}/proof', { params: { path: { index } } }))
}

/** The proof that the log has grown from an earlier checkpoint; nothing where there is nothing to prove. */
async function fetchGrowth(
  earlier: string | undefined,
  proof: string | undefined,
): Promise<readonly string[] | undefined> {
  const [before, now] = [readCheckpoint(earlier ?? ''), readCheckpoint(parseProof(proof ?? '')?.note ?? '')]
  if (!before || !now || before.origin !== now.origin || before.size >= now.size) return undefined
  const query = { earlier: before.size, size: now.size }
  return (await dataOf(api.GET('/api/v1/audit/proof', { params: { query } }))).hashes
}

/** Nothing when the server refuses with this code. */
async function unless<T>(code: string, request: Promise<T>): Promise<T | undefined> {
  try {
    return await request
  } catch (caught) {
    if (caught instanceof ApiError && caught.trouble.code === code) return undefined
    throw caught
  }
}
