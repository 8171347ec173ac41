/** The call engine: joins, keeps both lines alive, and shows the user interface one snapshot of it all. */

import { Conversation } from './conversation'
import { createDevices, type DeviceBook, noDevices } from './devices'
import { codes, EngineError, errorOf } from './errors'
import type { MediaAccess, ResultFrame, ResumedFrame, WelcomeFrame } from './frames'
import { Entrance } from './join'
import { type LoadRoom, MediaLine } from './media'
import { recall, remember } from './memory'
import { OwnMedia } from './own'
import { createSignalling, type Over, type Signalling } from './signalling'
import { livePhase, samePhase } from './snapshot'
import { createEmitter, createStore } from './store'
import type {
  Call,
  CallError,
  CallSnapshot,
  DeviceKind,
  JoinRequest,
  Notice,
  Phase,
  ScreenHint,
  VideoRef,
} from './types'

export { recall as rememberedJoin } from './memory'

/** How often the first join is tried before it counts as failed. */
export const joinAttempts = 3
/** How long a goodbye may take to reach the server, in milliseconds. */
export const leaveTimeout = 1_000

/** What a test replaces: time comes from the timers of the platform. */
export interface CallOptions {
  readonly connect?: (url: string, protocol: string) => WebSocket
  readonly loadRoom?: LoadRoom
  readonly random?: () => number
}

/** Makes a call that is idle; nothing is fetched and no device is touched before a method asks for it. */
export function createCall(options: CallOptions = {}): Call {
  return new Engine(options)
}

/** What the code of a goodbye means to the person; any other is the end of the conference. */
const reasons: ReadonlyMap<string, 'removed' | 'signedOut' | 'left'> = new Map([
  ['participant.removed', 'removed'],
  ['participant.signed_out', 'signedOut'],
  ['participant.left', 'left'],
])

const initial: CallSnapshot = {
  phase: { kind: 'idle' },
  participants: [],
  chat: [],
  microphone: { kind: 'off' },
  camera: { kind: 'off' },
  screen: { kind: 'off' },
  devices: noDevices,
  audioOnly: false,
  soundBlocked: false,
}

const loadRoom: LoadRoom = async handlers => {
  const { createRoom } = await import('./room').catch(caught => {
    throw new EngineError({ code: codes.partMissing, detail: String(caught) })
  })
  return createRoom(handlers)
}

class Engine implements Call {
  private readonly store = createStore<CallSnapshot>(initial)
  private readonly notices = createEmitter<Notice>()
  private readonly devices: DeviceBook
  private readonly media: MediaLine
  private readonly own: OwnMedia
  private readonly signalling: Signalling
  private readonly conversation: Conversation
  private readonly random: () => number
  private request: JoinRequest | undefined
  private readonly entrance: Entrance
  private inside = false
  /** counts the workers this conference has had; the room of one is nothing to the next */
  private epoch: number | undefined
  private disposed = false
  private signallingLost = 0
  private mediaLost = 0
  private leaving: ReturnType<typeof setTimeout> | undefined
  private endCommand: number | undefined

  constructor(options: CallOptions) {
    this.random = options.random ?? Math.random
    const { store } = this
    this.devices = createDevices(devices => store.set({ devices }))
    this.media = new MediaLine(
      options.loadRoom ?? loadRoom,
      {
        changed: people => this.conversation.mediaChanged(people),
        lost: attempt => this.lineLost({ media: attempt }),
        soundBlocked: soundBlocked => store.set({ soundBlocked }),
        failed: caught => this.mediaFailed(caught),
      },
      this.random,
    )
    this.own = new OwnMedia({
      devices: this.devices,
      media: this.media,
      inCall: () => this.inside,
      changed: patch => {
        store.set(patch)
        this.conversation.refresh()
      },
      problem: error => this.notices.emit({ kind: 'error', error }),
    })
    this.signalling = createSignalling({
      ...(options.connect && { connect: options.connect }),
      random: this.random,
      welcome: (frame, fresh) => this.welcomed(frame, fresh),
      resumed: frame => this.resumed(frame),
      event: (seq, event) => {
        if (!this.inside) return
        this.conversation.event(seq, event)
        const ended = this.conversation.current?.ended
        if (ended) this.finish({ kind: 'ended', reason: ended })
      },
      result: frame => this.answered(frame),
      lost: attempt => this.lineLost({ signalling: attempt }),
      expired: () => this.expired(),
      over: over => this.over(over),
    })
    this.entrance = new Entrance({
      random: this.random,
      rejoin: link => recall(link)?.participant,
      admitted: ({ signalling, ticket }) => this.signalling.open(signalling, ticket),
      waiting: attempt => this.lineLost({ signalling: attempt }),
      refused: error => this.finish({ kind: 'failed', error }),
    })
    this.conversation = new Conversation({
      send: this.signalling.send,
      own: () => store.get(),
      changed: view => store.set(view),
      notice: this.notices.emit,
    })
  }

  readonly getSnapshot = (): CallSnapshot => this.store.get()
  readonly subscribe = (listener: () => void): (() => void) => this.store.subscribe(listener)
  readonly onNotice = (listener: (notice: Notice) => void): (() => void) => this.notices.on(listener)

  readonly join = async (request: JoinRequest): Promise<void> => {
    if (this.inside || this.store.get().phase.kind === 'joining') return
    clearTimeout(this.leaving)
    const before = recall(request.link)
    const name = request.name ?? before?.name
    this.request = { link: request.link, ...(name !== undefined && { name }) }
    this.signalling.close()
    this.conversation.clear()
    this.show({ kind: 'joining' })
    this.warmUp()
    if (before?.joined) this.restore(before)
    await this.entrance.enter(this.request, joinAttempts)
  }

  readonly leave = async (): Promise<void> => {
    if (!this.inside) {
      this.finish({ kind: 'ended', reason: 'left' })
      return
    }
    this.endUnanswered()
    this.signalling.send({ kind: 'leave' })
    this.remember({ joined: false })
    this.quiet()
    this.show({ kind: 'ended', reason: 'left' })
    this.leaving = setTimeout(() => this.signalling.close(), leaveTimeout)
  }

  readonly endForAll = async (): Promise<void> => {
    if (this.inside) this.endCommand = this.signalling.send({ kind: 'end' })
  }

  readonly setMicrophone = async (on: boolean): Promise<void> => {
    this.remember({ microphone: on })
    await this.own.microphone.set(on)
  }

  readonly setCamera = async (on: boolean): Promise<void> => {
    this.remember({ camera: on })
    await this.own.camera.set(on)
  }

  readonly shareScreen = (options: { audio: boolean; hint: ScreenHint }): Promise<void> => this.own.share(options)

  readonly stopScreen = async (): Promise<void> => this.own.stopScreen()

  readonly selectDevice = async (kind: DeviceKind, id: string): Promise<void> => {
    this.devices.select(kind, id)
    if (kind === 'microphone') await this.own.microphone.reopen()
    else if (kind === 'camera') await this.own.camera.reopen()
    else this.applySpeaker()
  }

  readonly refreshDevices = (): Promise<void> => this.devices.refresh()

  readonly setAudioOnly = (on: boolean): void => {
    this.store.set({ audioOnly: on })
    this.media.with(room => room.wantVideo(!on))
    if (on) void this.setCamera(false)
  }

  readonly startSound = async (): Promise<void> => {
    // The browser refuses again without a click; then the snapshot goes on saying so.
    await (await this.media.warmUp()).startSound().catch(() => undefined)
  }

  readonly sendChat = (text: string): void => {
    const trimmed = text.trim()
    if (this.inside && trimmed !== '') this.conversation.say(trimmed)
  }

  readonly retryChat = (id: string): void => this.conversation.sayAgain(id)

  readonly attachVideo = (ref: VideoRef, element: HTMLVideoElement): (() => void) => {
    const self = this.conversation.current?.self
    if (self === undefined || ref.participant === self) return this.own.mirror.attach(ref.source, element)
    let detach: (() => void) | undefined
    let gone = false
    this.media.with(room => {
      if (!gone) detach = room.attach(ref, element)
    })
    return () => {
      gone = true
      detach?.()
    }
  }

  readonly level = (participant?: string): number =>
    participant === undefined || participant === this.conversation.current?.self
      ? this.own.level()
      : this.media.level(participant)

  readonly warmUp = (): void => {
    // Joining loads it again, and tells what is wrong.
    this.media.warmUp().then(
      () => this.applySpeaker(),
      () => undefined,
    )
  }

  readonly dispose = (): void => {
    if (this.disposed) return
    this.disposed = true
    this.inside = false
    clearTimeout(this.leaving)
    this.entrance.cancel()
    this.own.stop()
    this.own.mirror.clear()
    this.signalling.close()
    this.media.dispose()
    this.devices.dispose()
  }

  /** Whether the person has left: the line stands a moment longer to say goodbye, and what comes over it counts no more. */
  private get left(): boolean {
    return this.store.get().phase.kind === 'ended'
  }

  private welcomed(frame: WelcomeFrame, fresh: boolean): void {
    if (this.left) return
    this.entrance.cancel()
    this.inside = true
    this.conversation.welcome(frame, fresh)
    this.connectMedia(frame.media, fresh || frame.epoch !== this.epoch)
    this.epoch = frame.epoch
    this.remember({
      participant: frame.self,
      joined: true,
      microphone: this.own.microphone.isWanted,
      camera: this.own.camera.isWanted,
    })
    this.lineLost({ signalling: 0 })
  }

  private resumed(frame: ResumedFrame): void {
    if (this.left) return
    this.connectMedia(frame.media, false)
    this.lineLost({ signalling: 0 })
  }

  private connectMedia(media: MediaAccess, renew: boolean): void {
    const codec = this.conversation.current?.conference.codec
    if (codec) this.media.use({ ...media, codec }, renew)
  }

  /** The session is gone: joins again, taking the place of the earlier connection. Or it never began. */
  private expired(): void {
    const { request } = this
    this.conversation.sessionLost()
    this.endUnanswered()
    if (this.entrance.active) this.entrance.ticketFailed()
    else if (this.inside && request) {
      this.lineLost({ signalling: Math.max(1, this.signallingLost) })
      void this.entrance.enter(request, Number.POSITIVE_INFINITY)
    }
  }

  private answered(frame: ResultFrame): void {
    if (frame.id === this.endCommand) {
      this.endCommand = undefined
      if (frame.error) {
        const { code, id, message } = frame.error
        this.notices.emit({ kind: 'error', error: { code, detail: message, ...(id !== undefined && { id }) } })
      }
    }
    this.conversation.result(frame)
  }

  /** The wish to end the conference for all is forgotten with its session: nobody knows whether it was heard. */
  private endUnanswered(): void {
    if (this.endCommand === undefined) return
    this.endCommand = undefined
    this.notices.emit({ kind: 'error', error: { code: codes.endUnanswered } })
  }

  private over(over: Over): void {
    if (over.kind !== 'ended') this.endUnanswered()
    if (over.kind === 'failed') this.finish({ kind: 'failed', error: over.error })
    else if (over.kind === 'replaced') this.finish({ kind: 'ended', reason: 'replaced' })
    else {
      this.finish({ kind: 'ended', reason: reasons.get(over.code) ?? 'host' })
    }
  }

  /** Final: everything is let go, and a reload starts at the join page. */
  private finish(phase: Extract<Phase, { kind: 'ended' | 'failed' }>): void {
    this.remember({ joined: false })
    this.quiet()
    this.signalling.close()
    this.endCommand = undefined
    if (this.store.get().phase.kind !== 'ended') this.show(phase)
  }

  private quiet(): void {
    this.inside = false
    this.entrance.cancel()
    this.own.stop()
    void this.media.stop()
  }

  private lineLost(lost: { signalling?: number; media?: number }): void {
    this.signallingLost = lost.signalling ?? this.signallingLost
    this.mediaLost = lost.media ?? this.mediaLost
    if (this.inside) this.show(livePhase(this.signallingLost, this.mediaLost))
  }

  private mediaFailed(caught: unknown): void {
    if (!this.inside) return
    const { code, detail } = errorOf(caught)
    const known = code === codes.partMissing ? code : codes.mediaFailed
    const wholeLine = this.signallingLost > 0 && this.mediaLost > 0 // gone, and said to be: the chat does not work
    if (known === codes.mediaFailed && wholeLine) return
    const error: CallError = { code: known, ...(detail !== undefined && { detail }) }
    this.notices.emit({ kind: 'error', error })
  }

  private restore(before: { readonly microphone: boolean; readonly camera: boolean }): void {
    if (before.microphone) void this.own.microphone.set(true)
    if (before.camera) void this.own.camera.set(true)
  }

  private applySpeaker(): void {
    const id = this.devices.get().selected.speaker
    if (id === undefined) return
    this.media.with(room => {
      room.setSpeaker(id).catch(caught => this.notices.emit({ kind: 'error', error: errorOf(caught) }))
    })
  }

  private remember(patch: Parameters<typeof remember>[1]): void {
    const { request } = this
    if (request) remember(request.link, { ...(request.name !== undefined && { name: request.name }), ...patch })
  }

  private show(phase: Phase): void {
    if (!samePhase(phase, this.store.get().phase)) this.store.set({ phase })
  }
}
