import { LoaderCircle, type LucideIcon, Mic, MicOff, Video, VideoOff } from 'lucide-react'
import type { Capture } from '../../call/types'
import type { TextKey } from '../../i18n/i18n'

/** How the switch of a microphone or a camera looks; its name stays the noun, whatever its state. */
export interface Toggle {
  /** Crossed out while nothing is captured. */
  readonly icon: LucideIcon
  /** While the device starts. */
  readonly busy: boolean
  readonly pressed: boolean
  /** Off is as ordinary as on; only what failed is a fault. */
  readonly tone: 'on' | 'off' | 'failed'
  /** What pressing it does. */
  readonly hint: TextKey
  /** A state beyond on and off, in words. */
  readonly state?: TextKey
}

interface Face {
  readonly on: LucideIcon
  readonly off: LucideIcon
  readonly turnOn: TextKey
  readonly turnOff: TextKey
}

const microphone: Face = { on: Mic, off: MicOff, turnOn: 'hint.microphoneOn', turnOff: 'hint.microphoneOff' }
const camera: Face = { on: Video, off: VideoOff, turnOn: 'hint.cameraOn', turnOff: 'hint.cameraOff' }

/** Whether a capture is on or about to be, so that the next press ends it. */
export const isOn = (capture: Capture) => capture.kind === 'on' || capture.kind === 'starting'

function toggle(capture: Capture, face: Face): Toggle {
  const busy = capture.kind === 'starting'
  return {
    icon: busy ? LoaderCircle : isOn(capture) ? face.on : face.off,
    busy,
    pressed: capture.kind === 'on',
    tone: isOn(capture) ? 'on' : capture.kind === 'failed' ? 'failed' : 'off',
    hint: isOn(capture) ? face.turnOff : face.turnOn,
    ...(busy && { state: 'state.starting' as const }),
    ...(capture.kind === 'failed' && { state: 'state.failed' as const }),
  }
}

export const microphoneToggle = (capture: Capture) => toggle(capture, microphone)
export const cameraToggle = (capture: Capture) => toggle(capture, camera)
