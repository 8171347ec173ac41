/** The media line: keeps a room connected with the newest access, and knows what is to be sent whatever happens to the line. */
import type { MediaAccess } from './frames'
import { pauseBefore } from './signalling'
import type { Quality, ScreenHint, VideoRef } from './types'

export type Source = 'microphone' | 'camera' | 'screen' | 'screenSound'
export type VideoCodecName = 'vp8' | 'vp9' | 'av1'

/** Where to connect, with what, and the codec that video is to be sent in. */
export interface Access {
  readonly path: string
  readonly token: string
  readonly codec: VideoCodecName
  /** the relays for media that do not come through directly; others are not asked */
  readonly ice: MediaAccess['ice']
}

export interface Outgoing {
  readonly track: MediaStreamTrack
  readonly hint?: ScreenHint | undefined
}

/** What the media layer knows of a person. */
export interface PersonMedia {
  readonly microphone: boolean
  readonly camera: boolean
  readonly screen: boolean
  readonly speaking: boolean
  readonly quality: `${Quality}`
}

export interface RoomHandlers {
  /** people, tracks, speakers or qualities may have changed */
  readonly changed: () => void
  /** what became of an established line; `closed` means the room has given up */
  readonly line: (line: 'connected' | 'reconnecting' | 'closed') => void
  readonly soundBlocked: (blocked: boolean) => void
  /** a track could not be published */
  readonly failed: (caught: unknown) => void
}

/** What is needed of an SFU's client: the seam between this file and the library. */
export interface MediaRoom {
  readonly connect: (access: Access) => Promise<void>
  readonly disconnect: () => Promise<void>
  /** What is needed the next time the standing line has to be taken up again. */
  readonly renew: (access: Access) => void
  /** The track to send; undefined sends none. Remembered over connections. */
  readonly publish: (source: Source, outgoing: Outgoing | undefined) => void
  readonly wantVideo: (wanted: boolean) => void
  readonly setSpeaker: (id: string) => Promise<void>
  readonly startSound: () => Promise<void>
  readonly attach: (ref: VideoRef, element: HTMLVideoElement) => () => void
  readonly level: (participant: string) => number
  readonly people: () => ReadonlyMap<string, PersonMedia>
}

export type LoadRoom = (handlers: RoomHandlers) => Promise<MediaRoom>

export interface MediaHandlers {
  readonly changed: (people: ReadonlyMap<string, PersonMedia>) => void
  /** 0 while the line stands or is being set up for the first time, else the number of the attempt */
  readonly lost: (attempt: number) => void
  readonly soundBlocked: (blocked: boolean) => void
  readonly failed: (caught: unknown) => void
}

const nobody: ReadonlyMap<string, PersonMedia> = new Map()

export class MediaLine {
  private room: MediaRoom | undefined
  private loading: Promise<MediaRoom> | undefined
  private access: Access | undefined
  private state: 'idle' | 'connecting' | 'connected' | 'waiting' = 'idle'
  private attempt = 0
  private round = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private scheduled = false
  private readonly load: LoadRoom
  private readonly handlers: MediaHandlers
  private readonly random: () => number
  private readonly whenLoaded: ((room: MediaRoom) => void)[] = []

  constructor(load: LoadRoom, handlers: MediaHandlers, random: () => number) {
    this.load = load
    this.handlers = handlers
    this.random = random
    addEventListener('online', this.networkChanged)
  }

  /** Fetches the library; may be called often. */
  warmUp(): Promise<MediaRoom> {
    this.loading ??= this.load({
      changed: this.changed,
      line: this.lineChanged,
      soundBlocked: this.handlers.soundBlocked,
      failed: this.handlers.failed,
    }).then(
      room => {
        this.room = room
        for (const act of this.whenLoaded.splice(0)) act(room)
        return room
      },
      caught => {
        this.loading = undefined
        throw caught
      },
    )
    return this.loading
  }

  /** Uses this access from now on; with `renew` even though a line stands. */
  use(access: Access, renew: boolean): void {
    this.access = access
    if (renew || this.state === 'idle' || this.state === 'waiting') void this.connect()
    else if (this.state === 'connected') this.room?.renew(access)
  }

  /** Does something with the room, now or once it is loaded, in order. */
  with(act: (room: MediaRoom) => void): void {
    if (this.room) act(this.room)
    else this.whenLoaded.push(act)
  }

  get people(): ReadonlyMap<string, PersonMedia> {
    return this.room?.people() ?? nobody
  }

  level(participant: string): number {
    return this.room?.level(participant) ?? 0
  }

  /** Ends the line; it can be used again. */
  async stop(): Promise<void> {
    this.round++
    clearTimeout(this.timer)
    this.access = undefined
    this.attempt = 0
    const idle = this.state === 'idle'
    this.state = 'idle'
    if (!idle) await this.room?.disconnect()
  }

  dispose(): void {
    removeEventListener('online', this.networkChanged)
    this.whenLoaded.length = 0
    void this.stop()
  }

  private async connect(): Promise<void> {
    const round = ++this.round
    clearTimeout(this.timer)
    const again = this.state !== 'idle'
    this.state = 'connecting'
    try {
      const room = this.room ?? (await this.warmUp())
      if (again && round === this.round) await room.disconnect()
      if (round !== this.round || !this.access) return
      await room.connect(this.access)
      if (round === this.round) this.established()
    } catch (caught) {
      if (round === this.round) this.retry(caught)
    }
  }

  private established(): void {
    this.state = 'connected'
    this.attempt = 0
    this.handlers.lost(0)
    this.changed()
  }

  private retry(caught?: unknown): void {
    this.state = 'waiting'
    this.attempt++
    if (this.attempt === 1 && caught !== undefined) this.handlers.failed(caught)
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.connect(), pauseBefore(this.attempt, this.random))
    this.handlers.lost(this.attempt)
  }

  private readonly lineChanged = (line: 'connected' | 'reconnecting' | 'closed'): void => {
    if (this.state !== 'connected') return
    if (line === 'connected') this.established()
    else if (line === 'closed') this.retry()
    else this.handlers.lost(1)
  }

  private readonly networkChanged = (): void => {
    if (this.state === 'waiting') void this.connect()
  }

  /** Many events of the library come at once; one look at the result is enough. */
  private readonly changed = (): void => {
    if (this.scheduled) return
    this.scheduled = true
    queueMicrotask(() => {
      this.scheduled = false
      this.handlers.changed(this.people)
    })
  }
}
