/** An entry, read out of the bytes that were hashed. */
import { type Bytes, textOf } from './bytes'
import type { Statement } from './note'

/** What the tree hashes: when, of which category, and the hashes of what belongs to it, in base64. */
export interface Leaf {
  readonly at: number
  readonly category: string
  readonly body: string
  readonly personal: readonly string[]
  readonly version: number
}

/** What happened. Members that are sealed are missing until `unseal` adds them. */
export interface Body {
  readonly version: number
  /** the keys with which the parts are sealed, in the order of the parts */
  readonly keys: readonly string[]
  readonly id: string
  readonly kind: string
  readonly outcome: string
  readonly actorKind: string
  readonly actorId: string
  readonly actorUser: string
  readonly objectKind: string
  readonly objectId: string
  readonly reportedBy: string
  readonly details: Readonly<Record<string, unknown>>
}

const known = 1

/** Whether this program can read what a leaf or body says. */
export function readable({ version }: Leaf | Body): boolean {
  return version === known
}

export function readLeaf(bytes: Bytes): Leaf | undefined {
  const found = objectIn(bytes)
  const { at, category, body, personal = [], v } = found ?? {}
  const right =
    typeof at === 'number' && typeof category === 'string' && typeof body === 'string' && typeof v === 'number'
  return right && texts(personal) ? { at, category, body, personal, version: v } : undefined
}

export function readBody(bytes: Bytes): Body | undefined {
  const found = objectIn(bytes)
  if (!found || typeof found['v'] !== 'number' || !texts(found['keys'] ?? [])) return undefined
  const text = (name: string) => (typeof found[name] === 'string' ? (found[name] as string) : '')
  const certificate = isObject(found['certificate']) ? found['certificate'] : undefined
  return {
    version: found['v'],
    keys: (found['keys'] ?? []) as readonly string[],
    id: text('id'),
    kind: certificate ? 'log.pruned' : text('kind'),
    outcome: certificate ? 'success' : text('outcome'),
    actorKind: text('actorKind'),
    actorId: text('actorId'),
    actorUser: text('actorUser'),
    objectKind: certificate ? 'log' : text('objectKind'),
    objectId: text('objectId'),
    reportedBy: text('reportedBy'),
    details: certificate ? ofCertificate(certificate) : isObject(found['details']) ? found['details'] : {},
  }
}

/** What a certificate says, as the details of an entry: without its signature, and with its time as a text. */
function ofCertificate(certificate: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { before, category, end, policy, reason, scope, start } = certificate
  const time = new Date(Number(before))
  return { before: Number.isNaN(time.getTime()) ? '' : time.toISOString(), category, end, policy, reason, scope, start }
}

/** What the signer has signed of a certificate; nothing when the body is none. The members of a body stand in order. */
export function readStatement(bytes: Bytes): Statement | undefined {
  const { at, certificate } = objectIn(bytes) ?? {}
  if (!isObject(certificate)) return undefined
  const { signature, ...said } = certificate
  const text = `konklave certificate/v1\n${JSON.stringify({ at, certificate: said })}\n`
  return { log: String(said['log']), text, signature: String(signature) }
}

const detail = 'details.'

/** The body with what a part of it tells about a person. */
export function unseal(body: Body, fields: Readonly<Record<string, string>>): Body {
  const details: Record<string, unknown> = { ...body.details }
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith(detail)) details[name.slice(detail.length)] = JSON.parse(value)
  }
  return {
    ...body,
    details,
    actorId: fields['actor.id'] ?? body.actorId,
    actorUser: fields['actor.user'] ?? body.actorUser,
    objectId: fields['object.id'] ?? body.objectId,
  }
}

function objectIn(bytes: Bytes): Readonly<Record<string, unknown>> | undefined {
  try {
    const found: unknown = JSON.parse(textOf(bytes) ?? '')
    return isObject(found) ? found : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function texts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(each => typeof each === 'string')
}
