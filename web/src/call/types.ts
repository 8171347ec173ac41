/**
 * What the call engine offers to the user interface: one immutable snapshot and a handful of verbs.
 * Nothing below this folder knows React.
 */

export type ParticipantId = string

export type Role = 'host' | 'participant'
export type Kind = 'account' | 'guest'

/** A person in the conference, as the signalling tells (docs/protocol.md, section 4), plus what the media layer knows. */
export interface Participant {
  readonly id: ParticipantId
  readonly name: string
  readonly kind: Kind
  readonly role: Role
  readonly joinedAt: string
  /** false while the person's line is lost and may come back */
  readonly connected: boolean
  readonly isSelf: boolean
  readonly microphone: boolean
  readonly camera: boolean
  readonly screen: boolean
  readonly speaking: boolean
  readonly quality: Quality
}

export type Quality = 'unknown' | 'lost' | 'poor' | 'good' | 'excellent'

export interface ChatMessage {
  readonly id: string
  readonly from: ParticipantId
  readonly name: string
  readonly text: string
  readonly at: string
  /** own messages only: not yet confirmed by the server */
  readonly pending?: boolean
  /** own messages only: refused, with the reason */
  readonly failed?: CallError
}

/** An error a person can meet; `code` selects the text (i18n key `error.<code>`), `id` is there to copy. */
export interface CallError {
  readonly code: string
  readonly id?: string
  readonly detail?: string
}

/** Where the call stands. `reconnecting` keeps everything on screen. */
export type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'joining' }
  | { readonly kind: 'live' }
  | { readonly kind: 'reconnecting'; readonly what: 'signalling' | 'media' | 'both'; readonly attempt: number }
  | {
      readonly kind: 'ended'
      readonly reason: 'left' | 'host' | 'removed' | 'signedOut' | 'empty' | 'replaced' | 'shutdown'
    }
  | { readonly kind: 'failed'; readonly error: CallError }

export type DeviceKind = 'microphone' | 'camera' | 'speaker'

export interface Device {
  readonly id: string
  readonly label: string
}

/** State of one's own microphone or camera. */
export type Capture =
  | { readonly kind: 'off' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'on'; readonly deviceId: string }
  | { readonly kind: 'failed'; readonly error: CallError }

export interface Devices {
  readonly microphones: readonly Device[]
  readonly cameras: readonly Device[]
  /** empty where the browser cannot choose an output */
  readonly speakers: readonly Device[]
  readonly selected: Readonly<Record<DeviceKind, string | undefined>>
}

export type ScreenHint = 'detail' | 'motion'

/** A video that can be shown: whose, and which of the two. */
export interface VideoRef {
  readonly participant: ParticipantId
  readonly source: 'camera' | 'screen'
}

export interface CallSnapshot {
  readonly phase: Phase
  readonly conference?: { readonly id: string; readonly title: string; readonly startedAt: string }
  readonly self?: ParticipantId
  /** in the order of joining, self included */
  readonly participants: readonly Participant[]
  readonly chat: readonly ChatMessage[]
  readonly microphone: Capture
  readonly camera: Capture
  readonly screen: Capture
  readonly devices: Devices
  readonly audioOnly: boolean
  /** the browser refuses to play sound until the person clicks */
  readonly soundBlocked: boolean
}

/** Things to announce once (toasts, live region); not part of the snapshot. */
export type Notice =
  | { readonly kind: 'joined' | 'left'; readonly name: string }
  | { readonly kind: 'connection'; readonly name: string; readonly connected: boolean }
  | { readonly kind: 'message'; readonly message: ChatMessage }
  | { readonly kind: 'screen'; readonly name: string; readonly on: boolean }
  | { readonly kind: 'error'; readonly error: CallError }

export interface JoinRequest {
  /** the meeting link id from the address */
  readonly link: string
  /** for guests */
  readonly name?: string
}

export interface Call {
  getSnapshot(): CallSnapshot
  subscribe(listener: () => void): () => void
  onNotice(listener: (notice: Notice) => void): () => void

  /** Enter the conference. Captures that are on (preview) are published at once. */
  join(request: JoinRequest): Promise<void>
  leave(): Promise<void>
  endForAll(): Promise<void>

  /** Before and during the call: switching on asks for permission. */
  setMicrophone(on: boolean): Promise<void>
  setCamera(on: boolean): Promise<void>
  shareScreen(options: { audio: boolean; hint: ScreenHint }): Promise<void>
  stopScreen(): Promise<void>
  selectDevice(kind: DeviceKind, id: string): Promise<void>
  refreshDevices(): Promise<void>
  setAudioOnly(on: boolean): void
  startSound(): Promise<void>
  sendChat(text: string): void
  /** Send a failed message again. */
  retryChat(id: string): void

  /** Show a video in an element; returns the detach. The layer received follows the element's displayed size. */
  attachVideo(ref: VideoRef, element: HTMLVideoElement): () => void
  /** 0..1, sampled by the caller on animation frames; own microphone when no id is given. */
  level(participant?: ParticipantId): number
  /** Fetch what joining will need (the SFU library), after the first paint of the join page. */
  warmUp(): void
  /** Stop everything and release the devices. */
  dispose(): void
}
