/** One own track at the SFU: brings what is published in line with what is wanted, one step after the other. */
import type { LocalTrackPublication, Room, Track, TrackPublishOptions } from 'livekit-client'

interface Wanted {
  readonly track: MediaStreamTrack
  /** asked when it is published: the codec is known only then */
  readonly options: () => TrackPublishOptions
}

export class Publication {
  private wanted: Wanted | undefined
  private online = false
  /** counts the connections: work for an earlier one is of no interest */
  private generation = 0
  private busyWith: number | undefined
  private readonly room: Room
  private readonly source: Track.Source
  private readonly removes: boolean
  private readonly failed: (caught: unknown) => void

  /** With `removes` a track that is not wanted any more is unpublished; else it is muted, to be quick to return. */
  constructor(room: Room, source: Track.Source, removes: boolean, failed: (caught: unknown) => void) {
    this.room = room
    this.source = source
    this.removes = removes
    this.failed = failed
  }

  want(wanted: Wanted | undefined): void {
    this.wanted = wanted
    void this.settle()
  }

  /** The media signalling stands: what is wanted can be published. */
  connected(): void {
    this.generation++
    this.online = true
    void this.settle()
  }

  /** Nothing can be published until `connected`; the library brings back by itself what it had. */
  disconnected(): void {
    this.generation++
    this.online = false
  }

  private async settle(): Promise<void> {
    const mine = this.generation
    if (this.busyWith === mine) return
    this.busyWith = mine
    const current = () => this.online && mine === this.generation
    try {
      while (current() && (await this.step()));
    } catch (caught) {
      // A connection that went away takes its publications along; the next one publishes again.
      if (current()) this.failed(caught)
    } finally {
      if (this.busyWith === mine) this.busyWith = undefined
    }
  }

  /** Takes one step towards what is wanted; false when there is none left. */
  private step(): Promise<boolean> | boolean {
    const published = this.room.localParticipant.getTrackPublication(this.source) as LocalTrackPublication | undefined
    if (!this.wanted) return published ? this.withdraw(published) : false
    if (!published?.track) return this.publish(this.wanted)
    return this.correct(published, published.track, this.wanted.track)
  }

  private async publish({ track, options }: Wanted): Promise<boolean> {
    await this.room.localParticipant.publishTrack(track, options())
    return true
  }

  private async withdraw(published: LocalTrackPublication): Promise<boolean> {
    if (this.removes && published.track) {
      await this.room.localParticipant.unpublishTrack(published.track, false)
      return true
    }
    if (published.isMuted) return false
    await published.mute()
    return true
  }

  private async correct(
    published: LocalTrackPublication,
    local: NonNullable<LocalTrackPublication['track']>,
    track: MediaStreamTrack,
  ): Promise<boolean> {
    if (local.mediaStreamTrack !== track) {
      await local.replaceTrack(track, true)
      return true
    }
    if (!published.isMuted) return false
    await published.unmute()
    return true
  }
}
