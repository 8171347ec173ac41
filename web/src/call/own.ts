/** What one sends oneself: microphone, camera and screen, shown locally and handed to the media line. */
import { CaptureControl } from './capture'
import { type DeviceBook, openScreen, type ScreenTracks } from './devices'
import { errorOf } from './errors'
import { Meters } from './levels'
import type { MediaLine, Source } from './media'
import { Mirror } from './mirror'
import type { Own } from './snapshot'
import type { CallError, ScreenHint } from './types'

export interface OwnOptions {
  readonly devices: DeviceBook
  readonly media: MediaLine
  /** whether the call is on: then a microphone that is off stays ready */
  readonly inCall: () => boolean
  readonly changed: (patch: Partial<Own>) => void
  readonly problem: (error: CallError) => void
}

export class OwnMedia {
  readonly mirror = new Mirror()
  readonly microphone: CaptureControl
  readonly camera: CaptureControl
  private screen: ScreenTracks | undefined
  private sharing = 0
  private readonly meters = new Meters()
  private microphoneTrack: MediaStreamTrack | undefined
  private readonly options: OwnOptions

  constructor(options: OwnOptions) {
    this.options = options
    const { devices, changed } = options
    this.microphone = new CaptureControl({
      open: () => devices.open('microphone'),
      hold: options.inCall,
      changed: (microphone, track) => {
        this.hear(track)
        this.send('microphone', track)
        changed({ microphone })
        if (microphone.kind === 'failed') options.problem(microphone.error)
      },
    })
    this.camera = new CaptureControl({
      open: () => devices.open('camera'),
      hold: () => false,
      changed: (camera, track) => {
        this.mirror.set('camera', track)
        this.send('camera', track)
        changed({ camera })
        if (camera.kind === 'failed') options.problem(camera.error)
      },
    })
  }

  /** Lets the person choose a screen and shares it; choosing nothing changes nothing. */
  async share({ audio, hint }: { audio: boolean; hint: ScreenHint }): Promise<void> {
    const round = ++this.sharing
    if (!this.screen) this.options.changed({ screen: { kind: 'starting' } })
    try {
      const tracks = await openScreen({ audio, hint })
      if (round !== this.sharing) stopTracks(tracks)
      else if (tracks) this.showScreen(tracks, hint)
      else if (!this.screen) this.options.changed({ screen: { kind: 'off' } })
    } catch (caught) {
      if (round !== this.sharing) return
      const error = errorOf(caught)
      if (!this.screen) this.options.changed({ screen: { kind: 'failed', error } })
      this.options.problem(error)
    }
  }

  stopScreen(): void {
    this.sharing++
    this.releaseScreen()
    this.mirror.set('screen', undefined)
    this.send('screen', undefined)
    this.send('screenSound', undefined)
    this.options.changed({ screen: { kind: 'off' } })
  }

  /** Loudness of the own microphone, 0..1. */
  level(): number {
    return this.microphoneTrack ? this.meters.level(this.microphoneTrack) : 0
  }

  /** Everything off, every device released. */
  stop(): void {
    this.microphone.stop()
    this.camera.stop()
    this.stopScreen()
    this.meters.close()
  }

  private showScreen(tracks: ScreenTracks, hint: ScreenHint): void {
    this.releaseScreen()
    this.screen = tracks
    tracks.video.addEventListener('ended', this.screenEnded)
    this.mirror.set('screen', tracks.video)
    this.send('screen', tracks.video, hint)
    this.send('screenSound', tracks.audio)
    this.options.changed({ screen: { kind: 'on', deviceId: tracks.video.getSettings().deviceId ?? '' } })
  }

  /** The browser's own "stop sharing". */
  private readonly screenEnded = (): void => this.stopScreen()

  private releaseScreen(): void {
    this.screen?.video.removeEventListener('ended', this.screenEnded)
    stopTracks(this.screen)
    this.screen = undefined
  }

  private hear(track: MediaStreamTrack | undefined): void {
    if (track === this.microphoneTrack) return
    this.meters.release(this.microphoneTrack)
    this.microphoneTrack = track
  }

  private send(source: Source, track: MediaStreamTrack | undefined, hint?: ScreenHint): void {
    this.options.media.with(room => room.publish(source, track && { track, hint }))
  }
}

function stopTracks(tracks: ScreenTracks | undefined): void {
  tracks?.video.stop()
  tracks?.audio?.stop()
}
