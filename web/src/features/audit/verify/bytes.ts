/** Bytes, texts and hashes, as the verifier needs them. Nothing here knows of the log. */

export type Bytes = Uint8Array<ArrayBuffer>

/** The size of a hash (SHA-256), in bytes. */
export const hashSize = 32

/** The bytes of a text in UTF-8. */
export function utf8(text: string): Bytes {
  return new Uint8Array(new TextEncoder().encode(text))
}

/** The text of bytes in UTF-8; nothing when they are none. */
export function textOf(bytes: Bytes): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** The bytes of base64 that is written in the one way it can be (RFC 4648, with padding); nothing for anything else. */
export function fromBase64(text: string): Bytes | undefined {
  let binary: string
  try {
    binary = atob(text)
  } catch {
    return undefined
  }
  return btoa(binary) === text ? Uint8Array.from(binary, each => each.charCodeAt(0)) : undefined
}

/** Base64 with padding. */
export function toBase64(bytes: Bytes): string {
  return btoa(Array.from(bytes, each => String.fromCharCode(each)).join(''))
}

/** Lower-case hexadecimal digits. */
export function toHex(bytes: Bytes): string {
  return Array.from(bytes, each => each.toString(16).padStart(2, '0')).join('')
}

/** One after another. */
export function join(...parts: readonly Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

export function equal(one: Bytes, other: Bytes): boolean {
  return one.length === other.length && one.every((each, i) => each === other[i])
}

/** SHA-256 of parts one after another. */
export async function sha256(...parts: readonly Bytes[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', join(...parts)))
}
