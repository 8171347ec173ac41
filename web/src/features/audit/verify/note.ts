/**
 * Signed checkpoints: notes (c2sp.org/signed-note) with three lines (c2sp.org/tlog-checkpoint), signed with Ed25519 by the log
 * and cosigned by witnesses (c2sp.org/tlog-cosignature).
 */
import { type Bytes, equal, fromBase64, hashSize, join, sha256, utf8 } from './bytes'

/** What a checkpoint says. */
export interface Checkpoint {
  /** the name of the log */
  readonly origin: string
  /** number of entries */
  readonly size: number
  readonly root: Bytes
}

/** A public key, as it is written: name+hash+base64. */
export interface Key {
  readonly name: string
  readonly id: Bytes
  readonly key: Bytes
  readonly witness: boolean
}

interface Signature {
  readonly name: string
  readonly id: Bytes
  readonly bytes: Bytes
}

interface Note {
  /** what is signed */
  readonly text: string
  readonly signatures: readonly Signature[]
}

/** What a log states besides its checkpoints. */
export interface Statement {
  /** the name of the log */
  readonly log: string
  /** what is signed */
  readonly text: string
  /** id of the key and signature, in base64 */
  readonly signature: string
}

/** Why a checkpoint is not believed; `unsupported` is the browser's fault. */
export type Doubt = 'malformed' | 'origin' | 'unsigned' | 'forged' | 'unsupported'

/** A checkpoint whose signature was checked, and when which witnesses cosigned it. */
export interface Signed {
  readonly checkpoint: Checkpoint
  readonly cosigned: readonly { readonly witness: string; readonly at: Date }[]
}

const noteMax = 16 * 1024 // characters
const idSize = 4 // bytes, as below
const timeSize = 8
const keySize = 32
const algorithms = { log: 1, witness: 4 } as const

/** Reads a public key of a log or of a witness; nothing for anything else. */
export async function parseKey(text: string): Promise<Key | undefined> {
  const [, name, hash, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text) ?? []
  const raw = fromBase64(encoded ?? '')
  if (!name || !hash || raw?.length !== 1 + keySize) return undefined
  const witness = raw[0] === algorithms.witness
  if (!witness && raw[0] !== algorithms.log) return undefined
  const id = (await sha256(utf8(`${name}\n`), raw)).slice(0, idSize)
  const said = Uint8Array.from(hash.match(/../g) ?? [], each => Number.parseInt(each, 16))
  return equal(id, said) ? { name, id, key: raw.slice(1), witness } : undefined
}

/** Reads a note without checking a signature; nothing when it is none, or is not written as notes are. */
function parseNote(text: string): Note | undefined {
  const end = text.lastIndexOf('\n\n')
  if (text.length > noteMax || end < 0 || !text.endsWith('\n')) return undefined
  const signatures: Signature[] = []
  for (const line of text.slice(end + 2, -1).split('\n')) {
    const [, name, encoded] = /^— ([^\s+]+) (\S+)$/.exec(line) ?? []
    const raw = fromBase64(encoded ?? '')
    if (!name || !raw || raw.length <= idSize) return undefined
    signatures.push({ name, id: raw.slice(0, idSize), bytes: raw.slice(idSize) })
  }
  const twice = signatures.some((one, i) => signatures.some((other, j) => j < i && same(one, other)))
  return twice ? undefined : { text: text.slice(0, end + 1), signatures }
}

function same(one: Pick<Key, 'name' | 'id'>, other: Pick<Key, 'name' | 'id'>): boolean {
  return one.name === other.name && equal(one.id, other.id)
}

/** What a checkpoint says, without checking who signed it; nothing when it is none. */
export function readCheckpoint(note: string): Checkpoint | undefined {
  const lines = parseNote(note)?.text.split('\n') ?? []
  const [origin, digits, hash] = lines
  const root = fromBase64(hash ?? '')
  if (lines.length !== 4 || !origin || /[\s+]/.test(origin) || !/^(0|[1-9]\d*)$/.test(digits ?? '')) return undefined
  const size = Number(digits)
  return Number.isSafeInteger(size) && root?.length === hashSize ? { origin, size, root } : undefined
}

/**
 * Checks a checkpoint: the log must have signed it, no signature of anybody who is known may be wrong, and those of strangers are
 * passed over.
 */
export async function openCheckpoint(text: string, keys: readonly Key[]): Promise<Signed | Doubt> {
  const [note, checkpoint] = [parseNote(text), readCheckpoint(text)]
  if (!note || !checkpoint) return 'malformed'
  const logs = keys.filter(each => !each.witness)
  if (!logs.some(each => each.name === checkpoint.origin)) return 'origin'
  const cosigned: { witness: string; at: Date }[] = []
  let signed = false
  for (const signature of note.signatures) {
    const key = keys.find(each => same(each, signature))
    if (!key) continue
    const right = key.witness
      ? await checkCosignature(key, note.text, signature.bytes)
      : await checkLog(key, note.text, signature)
    if (right === undefined) return 'unsupported'
    if (!right) return 'forged'
    if (key.witness) cosigned.push({ witness: key.name, at: new Date(Number(seconds(signature.bytes)) * 1000) })
    else signed ||= key.name === checkpoint.origin
  }
  return signed ? { checkpoint, cosigned } : 'unsigned'
}

function checkLog(key: Key, text: string, { bytes }: Signature): Promise<boolean | undefined> {
  return verifyEd25519(key.key, bytes, utf8(text))
}

/** A cosignature is eight bytes of time and a signature over that time and the text. */
async function checkCosignature(key: Key, text: string, bytes: Bytes): Promise<boolean | undefined> {
  if (bytes.length <= timeSize || seconds(bytes) > 0x7fffffffffffffffn) return false
  const said = utf8(`cosignature/v1\ntime ${seconds(bytes)}\n`)
  return verifyEd25519(key.key, bytes.slice(timeSize), join(said, utf8(text)))
}

function seconds(bytes: Bytes): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)
}

/** Checks what a log has stated besides its checkpoints, with whichever of its keys it was. */
export async function checkStatement(said: Statement, keys: readonly Key[]): Promise<'signed' | Doubt> {
  const raw = fromBase64(said.signature)
  if (!raw || raw.length <= idSize) return 'malformed'
  const key = keys.find(each => !each.witness && same(each, { name: said.log, id: raw.slice(0, idSize) }))
  if (!key) return 'unsigned'
  const right = await verifyEd25519(key.key, raw.slice(idSize), utf8(said.text))
  return right === undefined ? 'unsupported' : right ? 'signed' : 'forged'
}

/** Nothing when the browser has no Ed25519. */
async function verifyEd25519(key: Bytes, signature: Bytes, message: Bytes): Promise<boolean | undefined> {
  let imported: CryptoKey
  try {
    imported = await crypto.subtle.importKey('raw', key, { name: 'Ed25519' }, false, ['verify'])
  } catch {
    return undefined
  }
  return crypto.subtle.verify({ name: 'Ed25519' }, imported, signature, message)
}

/** A proof that a log has a leaf (c2sp.org/tlog-proof). */
export interface LeafProof {
  readonly index: number
  readonly hashes: readonly Bytes[]
  readonly note: string
}

const proofHead = 'c2sp.org/tlog-proof@v1\n'

/** Reads a proof that stands by itself; nothing when it is none. */
export function parseProof(text: string): LeafProof | undefined {
  const end = text.indexOf('\n\n')
  if (!text.startsWith(proofHead) || end < 0) return undefined
  const [index, ...lines] = text.slice(proofHead.length, end).split('\n')
  const [, digits] = /^index (0|[1-9]\d*)$/.exec(index ?? '') ?? []
  const hashes = lines.map(fromBase64)
  if (digits === undefined || !hashes.every(each => each?.length === hashSize)) return undefined
  return { index: Number(digits), hashes: hashes as Bytes[], note: text.slice(end + 2) }
}
