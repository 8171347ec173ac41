/** Cameras, microphones and speakers: what there is, which is chosen, and opening one. */
import { codes, deviceError, EngineError } from './errors'
import { recallDevices, rememberDevices } from './memory'
import type { Device, DeviceKind, Devices, ScreenHint } from './types'

export const noDevices: Devices = {
  microphones: [],
  cameras: [],
  speakers: [],
  selected: { microphone: undefined, camera: undefined, speaker: undefined },
}

export interface DeviceBook {
  readonly get: () => Devices
  readonly select: (kind: DeviceKind, id: string) => void
  /** Looks again what there is; never asks for permission. */
  readonly refresh: () => Promise<void>
  /** Opens the chosen device, or another when it is gone. Asks for permission. Throws an EngineError device.*. */
  readonly open: (kind: 'microphone' | 'camera') => Promise<MediaStreamTrack>
  readonly dispose: () => void
}

/** The picture asked of a camera: what three simulcast layers are made from. */
const cameraConstraints: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30, max: 30 },
}

const microphoneConstraints: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  channelCount: { ideal: 1 },
}

export function createDevices(changed: (devices: Devices) => void): DeviceBook {
  let devices = noDevices
  let disposed = false
  const media = navigator.mediaDevices as MediaDevices | undefined

  const publish = (found: readonly MediaDeviceInfo[]) => {
    if (disposed) return
    const of = (kind: MediaDeviceKind): readonly Device[] =>
      found
        .filter(device => device.kind === kind && device.deviceId !== '')
        .map(device => ({ id: device.deviceId, label: device.label }))
    const microphones = of('audioinput')
    const cameras = of('videoinput')
    const speakers = 'setSinkId' in HTMLMediaElement.prototype ? of('audiooutput') : []
    const chosen = recallDevices()
    const pick = (list: readonly Device[], id: string | undefined) =>
      list.some(device => device.id === id) ? id : list[0]?.id
    devices = {
      microphones,
      cameras,
      speakers,
      selected: {
        microphone: pick(microphones, chosen.microphone),
        camera: pick(cameras, chosen.camera),
        speaker: pick(speakers, chosen.speaker),
      },
    }
    changed(devices)
  }

  const refresh = async () => {
    if (media?.enumerateDevices) publish(await media.enumerateDevices().catch(() => []))
  }
  const plugged = () => void refresh()
  media?.addEventListener?.('devicechange', plugged)

  return {
    get: () => devices,
    select: (kind, id) => {
      rememberDevices({ ...recallDevices(), [kind]: id })
      devices = { ...devices, selected: { ...devices.selected, [kind]: id } }
      changed(devices)
    },
    refresh,
    open: async kind => {
      const track = await openDevice(media, kind, recallDevices()[kind])
      void refresh()
      return track
    },
    dispose: () => {
      disposed = true
      media?.removeEventListener?.('devicechange', plugged)
    },
  }
}

async function openDevice(
  media: MediaDevices | undefined,
  kind: 'microphone' | 'camera',
  id: string | undefined,
): Promise<MediaStreamTrack> {
  if (!media?.getUserMedia) throw new EngineError({ code: codes.unsupported, detail: kind })
  const base = kind === 'camera' ? cameraConstraints : microphoneConstraints
  const ask = async (constraints: MediaTrackConstraints) => {
    const stream = await media.getUserMedia(kind === 'camera' ? { video: constraints } : { audio: constraints })
    const [track] = stream.getTracks()
    if (!track) throw new EngineError({ code: codes.notFound, detail: kind })
    return track
  }
  try {
    if (id === undefined) return await ask(base)
    return await ask({ ...base, deviceId: { exact: id } }).catch(caught => {
      // The chosen device is unplugged: another one is better than none.
      if (deviceError(caught, kind).error.code !== codes.notFound) throw caught
      return ask(base)
    })
  } catch (caught) {
    throw deviceError(caught, kind)
  }
}

export interface ScreenTracks {
  readonly video: MediaStreamTrack
  readonly audio: MediaStreamTrack | undefined
}

/** Frames per second by hint: text needs sharpness, film needs motion. */
export const screenFrameRate: Readonly<Record<ScreenHint, number>> = { detail: 15, motion: 30 }

/** Lets the person choose what to share; undefined when they chose nothing. Throws an EngineError device.*. */
export async function openScreen(options: { audio: boolean; hint: ScreenHint }): Promise<ScreenTracks | undefined> {
  const media = navigator.mediaDevices as MediaDevices | undefined
  if (!media?.getDisplayMedia) throw new EngineError({ code: codes.unsupported, detail: 'screen' })
  const rate = screenFrameRate[options.hint]
  const request = {
    video: { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: rate, max: rate } },
    audio: options.audio ? { echoCancellation: false, noiseSuppression: false, autoGainControl: false } : false,
    selfBrowserSurface: 'exclude',
    surfaceSwitching: 'include',
    systemAudio: options.audio ? 'include' : 'exclude',
  }
  try {
    const stream = await media.getDisplayMedia(request as DisplayMediaStreamOptions)
    const [video] = stream.getVideoTracks()
    if (!video) throw new EngineError({ code: codes.notFound, detail: 'screen' })
    video.contentHint = options.hint
    return { video, audio: stream.getAudioTracks()[0] }
  } catch (caught) {
    const error = deviceError(caught, 'screen')
    if (error.error.code === codes.permissionDenied && !deniedBySystem(caught)) return undefined
    throw error
  }
}

/** Closing the browser's picker and a refusal of the operating system have the same name; only the text differs. */
function deniedBySystem(caught: unknown): boolean {
  return caught instanceof Error && /system/i.test(caught.message)
}
