/** For tests: the server's end of WebSockets, moved by hand. */
import type { ClientFrame } from '../frames'

export class PeerSocket {
  readyState = 0
  onopen: (() => void) | null = null
  onmessage: ((message: { data: unknown }) => void) | null = null
  onclose: ((closed: { code: number }) => void) | null = null
  readonly heard: ClientFrame[] = []
  closedByClient = false
  readonly url: string
  readonly protocol: string

  constructor(url: string, protocol: string) {
    this.url = url
    this.protocol = protocol
  }

  /** The handshake succeeds. */
  accept(): this {
    this.readyState = 1
    this.onopen?.()
    return this
  }

  say(frame: object): this {
    this.onmessage?.({ data: JSON.stringify(frame) })
    return this
  }

  sayRaw(data: unknown): this {
    this.onmessage?.({ data })
    return this
  }

  drop(code = 1006): void {
    this.readyState = 3
    this.onclose?.({ code })
  }

  /** Frames of a type that came since the last call for it. */
  take<T extends ClientFrame['type']>(type: T): Extract<ClientFrame, { type: T }>[] {
    const found = this.heard.filter((frame): frame is Extract<ClientFrame, { type: T }> => frame.type === type)
    for (const frame of found) this.heard.splice(this.heard.indexOf(frame), 1)
    return found
  }

  send(data: string): void {
    this.heard.push(JSON.parse(data))
  }

  close(): void {
    this.readyState = 3
    this.closedByClient = true
  }
}

/** Collects the sockets a client opens; the newest is the one to talk to. */
export class Peer {
  readonly sockets: PeerSocket[] = []

  readonly connect = (url: string, protocol: string): WebSocket => {
    const socket = new PeerSocket(url, protocol)
    this.sockets.push(socket)
    return socket as unknown as WebSocket
  }

  get last(): PeerSocket {
    const socket = this.sockets.at(-1)
    if (!socket) throw new Error('no socket was opened')
    return socket
  }

  get open(): number {
    return this.sockets.filter(socket => socket.readyState < 2).length
  }
}

export const anna = {
  id: 'anna',
  name: 'Anna',
  kind: 'account',
  role: 'host',
  joinedAt: '2026-11-21T10:00:00.000Z',
  connected: true,
} as const
export const ben = { ...anna, id: 'ben', name: 'Ben', kind: 'guest', role: 'participant' } as const

export function message(id: string, from: string, text: string) {
  return { id, from, name: from, text, at: '2026-11-21T10:01:00.000Z' }
}

/** A welcome for Anna, with Ben there. */
export function welcome(patch: object = {}, state: object = {}) {
  return {
    type: 'welcome',
    self: 'anna',
    resume: { token: 'resume-1', windowSeconds: 60 },
    epoch: 1,
    seq: 10,
    state: {
      conference: { id: 'conf1', title: 'Council', startedAt: '2026-11-21T10:00:00.000Z', codec: 'vp8' },
      participants: [anna, ben],
      chat: [],
      ...state,
    },
    media: { path: '/conference/conf1/media', token: 'media-1', ice: [] },
    now: '2026-11-21T10:00:00.000Z',
    ...patch,
  }
}

export function resumed(patch: object = {}) {
  const media = { path: '/conference/conf1/media', token: 'media-2', ice: [] }
  return { type: 'resumed', epoch: 1, seq: 10, media, now: '2026-11-21T10:00:30.000Z', ...patch }
}
