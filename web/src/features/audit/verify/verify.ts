/**
 * Verifies one entry of the audit log out of what the server gave, believing none of it but the public keys. Pure: nothing is
 * fetched or kept here.
 */
import { type Bytes, equal, fromBase64, sha256, toBase64 } from './bytes'
import { leafHash, provesGrowth, provesLeaf } from './merkle'
import {
  type Checkpoint,
  checkStatement,
  type Key,
  openCheckpoint,
  parseKey,
  parseProof,
  readCheckpoint,
  type Signed,
} from './note'
import { openPart } from './part'
import { type Body, type Leaf, readable, readBody, readLeaf, readStatement, unseal } from './record'
import shortest from './shortest.json'

/** What is looked at. All bytes are in base64. */
export interface Evidence {
  readonly index: number
  /** the time of this browser, in milliseconds */
  readonly now: number
  /** as it is stored in the tree */
  readonly hash: string
  readonly leaf?: string | undefined
  readonly body?: string | undefined
  readonly parts: readonly { readonly sealed: string; readonly key?: string | undefined }[]
  /** what the server found when it opened the parts */
  readonly damaged?: boolean
  /** of c2sp.org/tlog-proof; missing while no checkpoint covers the entry */
  readonly proof?: string | undefined
  /** the newest checkpoint that all witnesses have cosigned, where that is an earlier one, and the proof from there on */
  readonly cosigned?: string | undefined
  readonly since?: readonly string[] | undefined
  /** of the log, the present one last */
  readonly keys: readonly string[]
  readonly witnessKeys: readonly string[]
  /** the checkpoint that this browser kept, and the proof from there on */
  readonly earlier?: string | undefined
  readonly growth?: readonly string[] | undefined
}

export type Check = 'place' | 'content' | 'personal' | 'signature' | 'witnesses' | 'growth'

/** `none`: there is nothing to check, which is no fault. */
export type State = 'good' | 'bad' | 'unknown' | 'none'

/** What came of one check; the reason is stable, and a text of the client explains it. */
export interface Step {
  readonly check: Check
  readonly state: State
  readonly reason: string
}

export interface Report {
  readonly verdict: 'intact' | 'broken' | 'unknown'
  readonly steps: readonly Step[]
  /** when the log signed it and its signature is right */
  readonly signed?: Signed | undefined
  /** the checkpoint, to be kept */
  readonly note?: string | undefined
  /** what the bytes say; missing when they cannot be read */
  readonly body?: Body | undefined
  readonly leaf?: Leaf | undefined
}

const step = (check: Check, state: State, reason: string): Step => ({ check, state, reason })

/** Makes all checks. */
export async function verify(evidence: Evidence): Promise<Report> {
  const keys: Key[] = []
  for (const text of [...evidence.keys, ...evidence.witnessKeys]) {
    const key = await parseKey(text)
    if (key) keys.push(key)
  }
  const leaf = fromBase64(evidence.leaf ?? '')
  const inside = await checkContent(evidence, leaf, keys)
  const proof = parseProof(evidence.proof ?? '')
  const checkpoint = readCheckpoint(proof?.note ?? '')
  const steps: Step[] = []
  let signed: Signed | undefined
  if (evidence.proof === undefined) {
    steps.push(step('place', 'unknown', 'unsigned'))
  } else if (!proof || !checkpoint || proof.index !== evidence.index) {
    steps.push(step('place', 'bad', 'malformed'))
  } else {
    const opened = await openCheckpoint(proof.note, keys)
    signed = typeof opened === 'string' ? undefined : opened
    const place = { ...proof, ...checkpoint }
    steps.push(await checkPlace(evidence, leaf, place), checkSignature(opened, checkpoint, keys))
    steps.push(await checkWitnesses(evidence, opened, keys), await checkGrowth(evidence, checkpoint, keys))
  }
  steps.push(...inside.steps)
  const verdict = ['bad', 'unknown'].find(state => steps.some(each => each.state === state))
  return {
    verdict: verdict === 'bad' ? 'broken' : verdict === 'unknown' ? 'unknown' : 'intact',
    steps,
    signed,
    note: signed && proof?.note,
    body: inside.body,
    leaf: inside.leaf,
  }
}

interface Place extends Checkpoint {
  readonly hashes: readonly Bytes[]
}

/** Whether the leaf is in the tree that was signed; if not, whether its stored hash is. */
async function checkPlace(evidence: Evidence, leaf: Bytes | undefined, place: Place): Promise<Step> {
  const stored = fromBase64(evidence.hash)
  const proves = (hash: Bytes) => provesLeaf(hash, evidence.index, place.size, place.root, place.hashes)
  const known = stored && (await proves(stored))
  if (!leaf?.length) return step('place', 'bad', known ? 'gone' : 'tree')
  const hash = await leafHash(leaf)
  if (await proves(hash)) {
    return stored && equal(stored, hash) ? step('place', 'good', 'proven') : step('place', 'bad', 'stored')
  }
  return step('place', 'bad', known ? 'changed' : 'tree')
}

interface Content {
  readonly steps: readonly Step[]
  readonly body?: Body | undefined
  readonly leaf?: Leaf | undefined
}

/** Whether body and parts are those that the leaf names, and what they say; and whether a certificate is a true one. */
async function checkContent(evidence: Evidence, bytes: Bytes | undefined, keys: readonly Key[]): Promise<Content> {
  const leaf = bytes && readLeaf(bytes)
  if (!leaf) return { steps: bytes?.length ? [step('content', 'bad', 'leaf')] : [] }
  if (!readable(leaf)) return { steps: [step('content', 'unknown', 'newer')], leaf }
  if (evidence.body === undefined) return { steps: [step('content', ...removed(leaf, evidence))], leaf }
  const text = fromBase64(evidence.body)
  if (!text || toBase64(await sha256(text)) !== leaf.body) return { steps: [step('content', 'bad', 'changed')], leaf }
  const body = readBody(text)
  if (!body) return { steps: [step('content', 'bad', 'changed')], leaf }
  if (!readable(body)) return { steps: [step('content', 'unknown', 'newer')], leaf }
  const statement = readStatement(text)
  const stated = statement ? await checkStatement(statement, keys) : 'signed'
  if (stated === 'unsupported') return { steps: [step('content', 'unknown', stated)], body, leaf }
  if (stated !== 'signed') return { steps: [step('content', 'bad', 'forged')], leaf }
  const personal = await checkPersonal(evidence, leaf, body)
  return { steps: [step('content', 'good', 'fits'), ...personal.steps], body: personal.body ?? body, leaf }
}

const day = 86_400_000 // milliseconds

/** What it comes to that content is missing: before the shortest retention of its category is over nobody may remove it. */
function removed({ category, at }: Leaf, { now }: Evidence): [State, string] {
  const days = (shortest as Readonly<Record<string, number>>)[category]
  return days !== undefined && now - at >= days * day ? ['unknown', 'removed'] : ['bad', 'young']
}

/** Whether the sealed parts are those that the leaf names, and open to what is shown. */
async function checkPersonal(evidence: Evidence, leaf: Leaf, body: Body): Promise<Content> {
  const { parts, damaged } = evidence
  const bad = (reason: string) => ({ steps: [step('personal', 'bad', reason)] })
  if (leaf.personal.length === 0 && parts.length === 0) return { steps: [] }
  if (parts.length === 0) return { steps: [step('personal', ...removed(leaf, evidence))] }
  if (parts.length !== leaf.personal.length || parts.length !== body.keys.length) return bad('changed')
  let [whole, erased] = [body, 0]
  for (const [i, part] of parts.entries()) {
    const sealed = fromBase64(part.sealed)
    if (!sealed || toBase64(await sha256(sealed)) !== leaf.personal[i]) return bad('changed')
    const key = part.key === undefined ? undefined : fromBase64(part.key)
    const fields = key && (await openPart(key, body.id, body.keys[i] ?? '', sealed))
    if (part.key !== undefined && !fields) return bad('key')
    if (fields) whole = unseal(whole, fields)
    else erased++
  }
  if (erased > 0) return damaged ? bad('key') : { steps: [step('personal', 'none', 'erased')], body: whole }
  return { steps: [step('personal', 'good', 'opened')], body: whole }
}

type Opened = Awaited<ReturnType<typeof openCheckpoint>>

/** Whether the log has signed the checkpoint, the one whose key is the present one. */
function checkSignature(opened: Opened, { origin }: Checkpoint, keys: readonly Key[]): Step {
  if (opened === 'unsupported') return step('signature', 'unknown', opened)
  if (typeof opened === 'string') return step('signature', 'bad', opened)
  const present = keys.filter(each => !each.witness).at(-1)
  return present?.name === origin ? step('signature', 'good', 'signed') : step('signature', 'bad', 'origin')
}

/** Whether all witnesses have cosigned the checkpoint, or an earlier one that covers the entry too. */
async function checkWitnesses(evidence: Evidence, opened: Opened, keys: readonly Key[]): Promise<Step> {
  const witnesses = keys.filter(each => each.witness)
  if (witnesses.length === 0) return step('witnesses', 'none', 'nobody')
  if (typeof opened === 'string') return step('witnesses', 'unknown', 'signature')
  const byAll = ({ cosigned }: Signed) =>
    witnesses.every(({ name }) => cosigned.some(({ witness }) => witness === name))
  if (byAll(opened)) return step('witnesses', 'good', 'cosigned')
  const late = step('witnesses', 'unknown', 'late')
  const before = readCheckpoint(evidence.cosigned ?? '')
  if (before?.origin !== opened.checkpoint.origin || before.size <= evidence.index) return late
  const earlier = await openCheckpoint(evidence.cosigned ?? '', keys)
  if (typeof earlier === 'string') return step('witnesses', 'bad', earlier)
  const hashes = evidence.since?.map(each => fromBase64(each) ?? new Uint8Array())
  if (!byAll(earlier) || !hashes) return late
  const grown = await provesGrowth(before, opened.checkpoint, hashes)
  return grown ? step('witnesses', 'good', 'covered') : step('witnesses', 'bad', 'forked')
}

/** Whether the log has grown from what this browser saw last. */
async function checkGrowth({ earlier, growth }: Evidence, now: Checkpoint, keys: readonly Key[]): Promise<Step> {
  if (earlier === undefined) return step('growth', 'none', 'first')
  const before = readCheckpoint(earlier)
  if (!before) return step('growth', 'unknown', 'unreadable')
  if (before.origin !== now.origin) return step('growth', 'unknown', 'another')
  const opened = await openCheckpoint(earlier, keys)
  if (opened === 'unsupported') return step('growth', 'unknown', opened)
  if (typeof opened === 'string') return step('growth', 'bad', 'key')
  if (before.size > now.size) return step('growth', 'bad', 'cut')
  const hashes = before.size === now.size ? [] : growth?.map(each => fromBase64(each) ?? new Uint8Array())
  if (!hashes) return step('growth', 'unknown', 'unproven')
  return (await provesGrowth(before, now, hashes)) ? step('growth', 'good', 'grown') : step('growth', 'bad', 'forked')
}
