/** How loud something is, 0 to 1, as a person hears it: half the scale is about half as loud. */

/** Below this many decibels there is silence. */
export const silenceDecibels = -60

/** A linear amplitude (0..1) as a position on a meter. */
export function meterPosition(amplitude: number): number {
  if (!(amplitude > 0)) return 0
  return Math.min(1, Math.max(0, 1 - (20 * Math.log10(amplitude)) / silenceDecibels))
}

export interface Meter {
  /** 0..1, now; 0 while the browser does not let an AudioContext run */
  readonly level: () => number
  readonly stop: () => void
}

/** Measures a microphone track; nothing is played. Undefined where the browser has no Web Audio. */
export function createMeter(track: MediaStreamTrack): Meter | undefined {
  if (typeof AudioContext === 'undefined') return undefined
  const context = new AudioContext()
  const source = context.createMediaStreamSource(new MediaStream([track]))
  const analyser = context.createAnalyser()
  analyser.fftSize = 512
  source.connect(analyser)
  const samples = new Float32Array(analyser.fftSize)
  if (context.state === 'suspended') context.resume().catch(() => undefined)
  return {
    level: () => {
      if (context.state !== 'running') return 0
      analyser.getFloatTimeDomainData(samples)
      let power = 0
      for (const sample of samples) power += sample * sample
      return meterPosition(Math.sqrt(power / samples.length))
    },
    stop: () => {
      source.disconnect()
      context.close().catch(() => undefined)
    },
  }
}

/** How loud a received track is, from its RTP packets: no AudioContext for fifty people. */
export function receivedLevel(receiver: RTCRtpReceiver | undefined): number {
  const loudest = Math.max(0, ...(receiver?.getSynchronizationSources?.() ?? []).map(source => source.audioLevel ?? 0))
  return meterPosition(loudest)
}
