/** The frames of docs/protocol.md: their types, and the strict reading of what the server sends. */
import {
  count,
  flag,
  id,
  list,
  localPath,
  object,
  oneOf,
  optional,
  record,
  type Shape,
  ShapeError,
  text,
} from './shape'

const person = object({
  id,
  name: text,
  kind: oneOf('account', 'guest'),
  role: oneOf('host', 'participant'),
  joinedAt: text,
  connected: flag,
})
export type Person = ReturnType<typeof person>

const message = object({ id, from: id, name: text, text, at: text })
export type Message = ReturnType<typeof message>

const conference = object({ id, title: text, startedAt: text, codec: oneOf('vp8', 'vp9', 'av1') })
export type ConferenceInfo = ReturnType<typeof conference>

const state = object({ conference, participants: list(person), chat: list(message) })
export type ServerState = ReturnType<typeof state>

const relay = object({ urls: list(text), username: text, credential: text })

const media = object({ path: localPath, token: text, ice: list(relay) })
export type MediaAccess = ReturnType<typeof media>

/** What happened in the conference; kinds this client does not know are read as `unknown` and ignored. */
export type ConferenceEvent =
  | { readonly kind: 'participant.joined'; readonly participant: Person }
  | {
      readonly kind: 'participant.left'
      readonly id: string
      readonly reason: 'left' | 'lost' | 'ended' | 'removed' | 'signed_out'
    }
  | { readonly kind: 'participant.connection'; readonly id: string; readonly connected: boolean }
  | { readonly kind: 'chat.message'; readonly message: Message }
  | { readonly kind: 'conference.ended'; readonly reason: 'host' | 'empty' | 'shutdown' }
  | { readonly kind: 'unknown' }

const events: Readonly<Record<string, Shape<ConferenceEvent>>> = {
  'participant.joined': object({ kind: oneOf('participant.joined'), participant: person }),
  'participant.left': object({
    kind: oneOf('participant.left'),
    id,
    reason: oneOf('left', 'lost', 'ended', 'removed', 'signed_out'),
  }),
  'participant.connection': object({ kind: oneOf('participant.connection'), id, connected: flag }),
  'chat.message': object({ kind: oneOf('chat.message'), message }),
  'conference.ended': object({ kind: oneOf('conference.ended'), reason: oneOf('host', 'empty', 'shutdown') }),
}

const event: Shape<ConferenceEvent> = (value, path) => {
  const kind = text(record(value, path)['kind'], `${path}/kind`)
  const shape = Object.hasOwn(events, kind) ? events[kind] : undefined
  return shape ? shape(value, path) : { kind: 'unknown' }
}

const refusal = object({ code: text, message: text, id: optional(text) })
export type Refusal = ReturnType<typeof refusal>

const frames = {
  welcome: object({
    type: oneOf('welcome'),
    self: id,
    resume: object({ token: text, windowSeconds: count }),
    epoch: count,
    seq: count,
    state,
    media,
    now: text,
  }),
  resumed: object({ type: oneOf('resumed'), epoch: count, seq: count, media, now: text }),
  event: object({ type: oneOf('event'), seq: count, event }),
  result: object({ type: oneOf('result'), id: count, seq: optional(count), error: optional(refusal) }),
  pong: object({ type: oneOf('pong'), nonce: text }),
  goodbye: object({ type: oneOf('goodbye'), code: text, message: text }),
} as const

type Frames = typeof frames
export type WelcomeFrame = ReturnType<Frames['welcome']>
export type ResumedFrame = ReturnType<Frames['resumed']>
export type ResultFrame = ReturnType<Frames['result']>
export type ServerFrame = { [K in keyof Frames]: ReturnType<Frames[K]> }[keyof Frames]

/** Reads one frame of the server; throws a ShapeError for anything docs/protocol.md does not describe. */
export function readFrame(data: unknown): ServerFrame {
  let value: unknown
  try {
    value = JSON.parse(text(data, 'data'))
  } catch (caught) {
    throw caught instanceof ShapeError ? caught : new ShapeError('the frame is not JSON')
  }
  const type = text(record(value, '')['type'], '/type')
  if (!Object.hasOwn(frames, type)) throw new ShapeError(`/type ${type} is not known`)
  return frames[type as keyof Frames](value, '')
}

export type Command =
  | { readonly kind: 'chat.send'; readonly text: string }
  | { readonly kind: 'leave' }
  | { readonly kind: 'end' }

export type ClientFrame =
  | { readonly type: 'hello'; readonly ticket: string }
  | { readonly type: 'resume'; readonly token: string; readonly epoch: number; readonly seen: number }
  | { readonly type: 'command'; readonly id: number; readonly command: Command }
  | { readonly type: 'ping'; readonly nonce: string }
