/** For tests: devices and tracks, the part of a browser that a test environment does not have. */
import { vi } from 'vitest'

export class FakeTrack extends EventTarget {
  static next = 1
  readonly id = `track-${FakeTrack.next++}`
  enabled = true
  readyState: 'live' | 'ended' = 'live'
  contentHint = ''
  readonly kind: 'audio' | 'video'
  private readonly deviceId: string

  constructor(kind: 'audio' | 'video', deviceId: string) {
    super()
    this.kind = kind
    this.deviceId = deviceId
  }

  getSettings() {
    return { deviceId: this.deviceId }
  }

  stop() {
    this.readyState = 'ended'
  }

  /** The device goes away: unlike stop, this is heard. */
  unplug() {
    this.readyState = 'ended'
    this.dispatchEvent(new Event('ended'))
  }
}

export interface FakeDevice {
  readonly deviceId: string
  readonly kind: MediaDeviceKind
  readonly label: string
}

export class FakeMediaDevices extends EventTarget {
  devices: FakeDevice[] = [
    { deviceId: 'mic-1', kind: 'audioinput', label: 'Microphone 1' },
    { deviceId: 'mic-2', kind: 'audioinput', label: 'Microphone 2' },
    { deviceId: 'cam-1', kind: 'videoinput', label: 'Camera 1' },
  ]
  /** what the next requests throw, in order */
  readonly refusals: Error[] = []
  readonly tracks: FakeTrack[] = []
  readonly requests: MediaStreamConstraints[] = []
  private listeners = 0

  /** Tracks that still hold a device. */
  get live(): FakeTrack[] {
    return this.tracks.filter(track => track.readyState === 'live')
  }

  get listening(): number {
    return this.listeners
  }

  override addEventListener(...args: Parameters<EventTarget['addEventListener']>) {
    this.listeners++
    super.addEventListener(...args)
  }

  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>) {
    this.listeners--
    super.removeEventListener(...args)
  }

  enumerateDevices = async () => this.devices

  getUserMedia = async (constraints: MediaStreamConstraints) => {
    this.requests.push(constraints)
    const refusal = this.refusals.shift()
    if (refusal) throw refusal
    const wanted = (constraints.video ?? constraints.audio) as MediaTrackConstraints
    const kind = constraints.video ? 'videoinput' : 'audioinput'
    const exact = (wanted.deviceId as { exact?: string } | undefined)?.exact
    const device = this.devices.find(entry => entry.kind === kind && (exact === undefined || entry.deviceId === exact))
    if (!device) throw named(exact === undefined ? 'NotFoundError' : 'OverconstrainedError')
    return this.stream(new FakeTrack(constraints.video ? 'video' : 'audio', device.deviceId))
  }

  getDisplayMedia = async (constraints: DisplayMediaStreamOptions) => {
    const refusal = this.refusals.shift()
    if (refusal) throw refusal
    const sound = constraints.audio ? [new FakeTrack('audio', 'system')] : []
    return this.stream(new FakeTrack('video', 'screen'), ...sound)
  }

  private stream(...tracks: FakeTrack[]) {
    this.tracks.push(...tracks)
    const of = (kind: string) => tracks.filter(track => track.kind === kind)
    return { getTracks: () => tracks, getVideoTracks: () => of('video'), getAudioTracks: () => of('audio') }
  }
}

export function named(name: string, text = ''): Error {
  return Object.assign(new Error(text), { name })
}

/** Puts fake devices into the navigator; undo with vi.unstubAllGlobals. */
export function installDevices(): FakeMediaDevices {
  const mediaDevices = new FakeMediaDevices()
  vi.stubGlobal('navigator', { mediaDevices })
  return mediaDevices
}

/** Lets promises that wait for nothing but each other come to an end. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve()
}
