/** How loud something is, 0 to 1, as a person hears it: half the scale is about half as loud. */

/** Below this many decibels there is silence. */
export const silenceDecibels = -60

/** A linear amplitude (0..1) as a position on a meter. */
export function meterPosition(amplitude: number): number {
  if (!(amplitude > 0)) return 0
  return Math.min(1, Math.max(0, 1 - (20 * Math.log10(amplitude)) / silenceDecibels))
}

interface Tap {
  readonly source: MediaStreamAudioSourceNode
  readonly analyser: AnalyserNode
}

/** Measures tracks on request; nothing is played. A track is listened to from the first question on until it ends. */
export class Meters {
  private context: AudioContext | undefined
  private readonly taps = new Map<MediaStreamTrack, Tap>()
  private readonly samples = new Float32Array(512)

  /** Loudness now; 0 while the browser does not let an AudioContext run. */
  level(track: MediaStreamTrack): number {
    const analyser = this.tap(track)?.analyser
    if (!analyser || this.context?.state !== 'running') return 0
    analyser.getFloatTimeDomainData(this.samples)
    let power = 0
    for (const sample of this.samples) power += sample * sample
    return meterPosition(Math.sqrt(power / this.samples.length))
  }

  /** Stops listening to a track. */
  release(track: MediaStreamTrack | undefined): void {
    const tap = track && this.taps.get(track)
    if (!tap) return
    this.taps.delete(track)
    tap.source.disconnect()
  }

  /** Stops listening to all and gives the AudioContext back; a later question begins anew. */
  close(): void {
    for (const track of [...this.taps.keys()]) this.release(track)
    this.context?.close().catch(() => undefined)
    this.context = undefined
  }

  private tap(track: MediaStreamTrack): Tap | undefined {
    if (typeof AudioContext === 'undefined' || track.readyState === 'ended') {
      this.release(track)
      return undefined
    }
    this.context ??= new AudioContext()
    if (this.context.state === 'suspended') this.context.resume().catch(() => undefined)
    let tap = this.taps.get(track)
    if (!tap) {
      const source = this.context.createMediaStreamSource(new MediaStream([track]))
      const analyser = this.context.createAnalyser()
      analyser.fftSize = this.samples.length
      source.connect(analyser)
      tap = { source, analyser }
      this.taps.set(track, tap)
    }
    return tap
  }
}
