/** One's own microphone or camera: what is wanted, what is, and the track between. */
import { errorOf } from './errors'
import type { Capture } from './types'

export interface CaptureOptions {
  /** asks for permission and opens the chosen device */
  readonly open: () => Promise<MediaStreamTrack>
  /** whether a device that is switched off stays open, silent, so that the first syllable is not lost */
  readonly hold: () => boolean
  /** the state, and the track that carries it while on */
  readonly changed: (state: Capture, track: MediaStreamTrack | undefined) => void
}

export class CaptureControl {
  private wanted = false
  private track: MediaStreamTrack | undefined
  private state: Capture = { kind: 'off' }
  private running: Promise<void> | undefined
  private stale = false
  private readonly options: CaptureOptions

  constructor(options: CaptureOptions) {
    this.options = options
  }

  /** Whether the person wants it on, whatever the device says. */
  get isWanted(): boolean {
    return this.wanted
  }

  /** Switches on or off; the last wish counts. Never throws: a failure is a state. */
  set(on: boolean): Promise<void> {
    this.wanted = on
    return this.settle()
  }

  /** Opens the device anew, after another was chosen. */
  async reopen(): Promise<void> {
    if (!this.wanted) this.drop()
    else {
      this.stale = true
      await this.settle()
    }
  }

  /** Off, and the device released. */
  stop(): void {
    this.wanted = false
    this.drop()
    this.show({ kind: 'off' })
  }

  private settle(): Promise<void> {
    this.running ??= this.run().finally(() => {
      this.running = undefined
    })
    return this.running
  }

  private async run(): Promise<void> {
    for (;;) {
      if (!this.wanted) {
        this.switchOff()
        return
      }
      if (this.track && !this.stale) {
        this.switchOn(this.track)
        return
      }
      this.stale = false
      if (!this.track) this.show({ kind: 'starting' })
      try {
        this.adopt(await this.options.open())
      } catch (caught) {
        if (this.wanted) this.fail(caught)
        else this.switchOff()
        return
      }
    }
  }

  private adopt(track: MediaStreamTrack): void {
    this.drop()
    this.track = track
    track.addEventListener('ended', this.ended)
  }

  private switchOn(track: MediaStreamTrack): void {
    track.enabled = true
    this.show({ kind: 'on', deviceId: track.getSettings().deviceId ?? '' })
  }

  private switchOff(): void {
    if (this.track && this.options.hold()) this.track.enabled = false
    else this.drop()
    this.show({ kind: 'off' })
  }

  private fail(caught: unknown): void {
    this.wanted = false
    this.drop()
    this.show({ kind: 'failed', error: errorOf(caught) })
  }

  /** The device was unplugged or taken away: another one, if there is one and it is wanted. */
  private readonly ended = (): void => {
    this.drop()
    if (this.wanted) void this.settle()
  }

  private drop(): void {
    const track = this.track
    if (!track) return
    this.track = undefined
    track.removeEventListener('ended', this.ended)
    track.stop()
  }

  private show(state: Capture): void {
    const same = JSON.stringify(state) === JSON.stringify(this.state)
    this.state = state
    if (!same || state.kind === 'on') this.options.changed(state, state.kind === 'on' ? this.track : undefined)
  }
}
