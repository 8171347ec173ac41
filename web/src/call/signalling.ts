/**
 * The signalling connection of docs/protocol.md: one session over as many WebSockets as it takes.
 * Commands that were not answered are sent again with the same ids; a lost line is taken up again by itself.
 */
import { codes } from './errors'
import {
  type ClientFrame,
  type Command,
  type ConferenceEvent,
  type ResultFrame,
  type ResumedFrame,
  readFrame,
  type ServerFrame,
  type WelcomeFrame,
} from './frames'
import { ShapeError } from './shape'
import type { CallError } from './types'

/** All times in milliseconds. */
export const times = {
  /** a WebSocket that did not open or was not answered by then is given up */
  open: 5_000,
  /** silence after which the server is asked for a sign of life */
  silence: 5_000,
  /** and how long it may take to answer; after the browser reports a network change it is the shorter one */
  pong: 5_000,
  pongAfterChange: 1_500,
  /** waiting before an attempt: doubling from first to most, each with up to half of jitter */
  retryFirst: 300,
  retryMost: 4_000,
  /** the least pause the server asks for with close code 4429 */
  pause: 2_000,
} as const

const subProtocol = 'konklave.v1'

/** Why a session is over for good. */
export type Over =
  | { readonly kind: 'ended'; readonly code: string }
  | { readonly kind: 'replaced' }
  | { readonly kind: 'failed'; readonly error: CallError }

export interface SignallingHandlers {
  /** A state to take over; fresh means a new session, in which earlier commands are unknown. */
  readonly welcome: (frame: WelcomeFrame, fresh: boolean) => void
  readonly resumed: (frame: ResumedFrame) => void
  readonly event: (seq: number, event: ConferenceEvent) => void
  readonly result: (frame: ResultFrame) => void
  /** The line is lost; attempt counts from 1 until welcome or resumed. */
  readonly lost: (attempt: number) => void
  /** The session is unknown to the server, and all commands are forgotten: join again for a new ticket. */
  readonly expired: () => void
  readonly over: (over: Over) => void
}

export interface SignallingOptions extends SignallingHandlers {
  /** opens a WebSocket; a test puts its own here */
  readonly connect?: (url: string, protocol: string) => WebSocket
  readonly random?: () => number
}

export interface Signalling {
  /** Begins a new session at a path of this server; commands that wait are its first ones. */
  readonly open: (path: string, ticket: string) => void
  /** Sends a command, now or when the line is back; returns its id. `expired` forgets the commands before it. */
  readonly send: (command: Command) => number
  /** Ends without a word to the server, which keeps the session for its resume window; forgets all commands. */
  readonly close: () => void
}

interface Session {
  readonly token: string
  readonly windowMs: number
  readonly epoch: number
  readonly seen: number
}

const finalCodes: ReadonlySet<string> = new Set([
  'conference.ended',
  'participant.removed',
  'participant.signed_out',
  'participant.left',
])

export function createSignalling(options: SignallingOptions): Signalling {
  return new Connection(options)
}

class Connection implements Signalling {
  private socket: WebSocket | undefined
  private url = ''
  private ticket: string | undefined
  private session: Session | undefined
  private live = false
  private goodbye: { readonly code: string; readonly message: string } | undefined
  private attempt = 0
  private lostAt = 0
  private nextId = 1
  private nonce = 0
  private readonly unanswered = new Map<number, Command>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly options: SignallingOptions

  constructor(options: SignallingOptions) {
    this.options = options
  }

  readonly open = (path: string, ticket: string): void => {
    this.hangUp()
    this.session = undefined
    this.url = new URL(path, location.href.replace(/^http/, 'ws')).href
    this.ticket = ticket
    this.attempt = 0
    addEventListener('online', this.networkChanged)
    this.dial()
  }

  readonly send = (command: Command): number => {
    const id = this.nextId++
    this.unanswered.set(id, command)
    if (this.live) this.write({ type: 'command', id, command })
    return id
  }

  readonly close = (): void => {
    this.hangUp()
    this.session = undefined
    this.ticket = undefined
    this.unanswered.clear()
    this.nextId = 1
    removeEventListener('online', this.networkChanged)
  }

  private dial(): void {
    this.hangUp()
    const connect = this.options.connect ?? ((url, protocol) => new WebSocket(url, protocol))
    const socket = connect(this.url, subProtocol)
    this.socket = socket
    this.goodbye = undefined
    this.after(times.open, () => this.lose())
    socket.onopen = () => this.greet()
    socket.onmessage = message => this.receive(message.data)
    socket.onclose = closed => this.closed(closed.code)
  }

  /** Lets go of the socket; nothing of it is heard any more. */
  private hangUp(): void {
    clearTimeout(this.timer)
    this.live = false
    const socket = this.socket
    if (!socket) return
    this.socket = undefined
    socket.onopen = null
    socket.onmessage = null
    socket.onclose = null
    socket.close()
  }

  private greet(): void {
    const { session, ticket } = this
    if (session) this.write({ type: 'resume', token: session.token, epoch: session.epoch, seen: session.seen })
    else if (ticket !== undefined) this.write({ type: 'hello', ticket })
  }

  private receive(data: unknown): void {
    let frame: ServerFrame
    try {
      frame = readFrame(data)
    } catch (caught) {
      if (!(caught instanceof ShapeError)) throw caught
      this.finish({ kind: 'failed', error: { code: codes.malformed, detail: caught.message } })
      return
    }
    if (this.live) this.watch()
    this.handle(frame)
  }

  private handle(frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        this.welcomed(frame)
        break
      case 'resumed':
        this.resumed(frame)
        break
      case 'event':
        if (!this.session || frame.seq <= this.session.seen) break
        this.session = { ...this.session, seen: frame.seq }
        this.options.event(frame.seq, frame.event)
        break
      case 'result':
        if (this.unanswered.delete(frame.id)) this.options.result(frame)
        break
      case 'goodbye':
        this.goodbye = frame
        if (finalCodes.has(frame.code)) this.finish({ kind: 'ended', code: frame.code })
        else if (frame.code === 'session.replaced') this.finish({ kind: 'replaced' })
        break
      case 'pong':
        break
    }
  }

  private welcomed(frame: WelcomeFrame): void {
    const fresh = this.session === undefined
    const { token, windowSeconds } = frame.resume
    this.session = { token, windowMs: windowSeconds * 1000, epoch: frame.epoch, seen: frame.seq }
    this.ticket = undefined
    this.options.welcome(frame, fresh)
    if (this.session) this.alive()
  }

  private resumed(frame: ResumedFrame): void {
    if (this.session) this.session = { ...this.session, epoch: frame.epoch }
    this.options.resumed(frame)
    if (this.session) this.alive()
  }

  /** The session stands: what was not answered goes out, again or for the first time. */
  private alive(): void {
    this.live = true
    this.attempt = 0
    this.watch()
    for (const [id, command] of this.unanswered) this.write({ type: 'command', id, command })
  }

  private closed(code: number): void {
    const reason = this.goodbye?.code
    if (code === 4400 || code === 1009) {
      this.finish({ kind: 'failed', error: { code: reason ?? codes.malformed } })
    } else if (code === 4401) this.expire()
    else if (code === 4409) this.finish({ kind: 'replaced' })
    else if (code === 4410) this.finish({ kind: 'ended', code: reason ?? 'conference.ended' })
    else this.lose(code === 4429 ? times.pause : 0)
  }

  private finish(over: Over): void {
    this.close()
    this.options.over(over)
  }

  private expire(): void {
    this.close()
    this.options.expired()
  }

  /** The line is gone: tries again after a pause. A ticket is good for one attempt, a session for its window. */
  private lose(leastPause = 0): void {
    const wasLive = this.live
    this.hangUp()
    if (wasLive || this.attempt === 0) this.lostAt = Date.now()
    if (!this.session || Date.now() - this.lostAt >= this.session.windowMs) {
      this.expire()
      return
    }
    this.attempt++
    const random = this.options.random ?? Math.random
    this.after(Math.max(leastPause, pauseBefore(this.attempt, random)), () => this.dial())
    this.options.lost(this.attempt)
  }

  /** The browser says the network is back: no waiting. */
  private readonly networkChanged = (): void => {
    if (this.live) this.ask(times.pongAfterChange)
    else if (this.session) this.dial()
  }

  /** Waits for silence, then asks. Called at every frame. */
  private watch(): void {
    this.after(times.silence, () => this.ask(times.pong))
  }

  private ask(patience: number): void {
    this.write({ type: 'ping', nonce: String(++this.nonce) })
    this.after(patience, () => this.lose())
  }

  private after(delay: number, act: () => void): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(act, delay)
  }

  private write(frame: ClientFrame): void {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(frame))
  }
}

/** The pause before an attempt counted from 1: between half and all of a doubling time. */
export function pauseBefore(attempt: number, random: () => number): number {
  const most = Math.min(times.retryMost, times.retryFirst * 2 ** (attempt - 1))
  return most / 2 + (most / 2) * random()
}
