/** What an entry tells about a person, sealed with a key that opens this part and nothing else. */
import { type Bytes, equal, hashSize, join, sha256, textOf, utf8 } from './bytes'

const version = 1
const idSize = 8 // bytes, as below
const headSize = 1 + idSize
const nonceSize = 12

/** The fields of a part by name, each with its value; nothing when it was not sealed with this key, for this entry. */
export async function openPart(
  key: Bytes,
  entry: string,
  keyId: string,
  sealed: Bytes,
): Promise<Readonly<Record<string, string>> | undefined> {
  const [commitment, blob] = [sealed.slice(0, hashSize), sealed.slice(hashSize)]
  const head = blob.slice(0, headSize)
  if (key.length !== hashSize || blob.length < headSize + nonceSize || head[0] !== version) return undefined
  if (!equal(commitment, await derive(key, 'konklave audit part commitment 1'))) return undefined
  const id = (await sha256(utf8('konklave key id 1\0'), key)).slice(0, idSize)
  if (!equal(id, head.slice(1))) return undefined
  try {
    const opener = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt'])
    const place = join(head, utf8(`konklave audit part 1\0${entry}\0${keyId}`))
    const iv = blob.slice(headSize, headSize + nonceSize)
    const opened = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv, additionalData: place },
      opener,
      blob.slice(headSize + nonceSize),
    )
    return fieldsOf(textOf(new Uint8Array(opened)) ?? '')
  } catch {
    return undefined
  }
}

async function derive(key: Bytes, purpose: string): Promise<Bytes> {
  const secret = await crypto.subtle.importKey('raw', key, 'HKDF', false, ['deriveBits'])
  const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: utf8(purpose) }
  return new Uint8Array(await crypto.subtle.deriveBits(how, secret, hashSize * 8))
}

function fieldsOf(text: string): Readonly<Record<string, string>> | undefined {
  const fields: unknown = JSON.parse(text)
  if (typeof fields !== 'object' || fields === null) return undefined
  return Object.values(fields).every(each => typeof each === 'string') ? (fields as Record<string, string>) : undefined
}
