/**
 * What a tab remembers of a conference, so that a reload comes back without action, and what a browser remembers of devices.
 * Nothing secret: tickets and tokens stay in the engine.
 */
import { flag, id, object, optional, type Shape, text } from './shape'
import type { DeviceKind } from './types'

const remembered = object({
  participant: optional(id),
  name: optional(text),
  joined: flag,
  microphone: flag,
  camera: flag,
})

/** `joined` says that the tab was in the conference when it was closed or reloaded. */
export type Remembered = ReturnType<typeof remembered>

const choices = object({ microphone: optional(text), camera: optional(text), speaker: optional(text) })
export type DeviceChoices = { readonly [K in DeviceKind]?: string | undefined }

const tabKey = (link: string) => `konklave.call.${link}`
const devicesKey = 'konklave.devices'

/** What this tab remembers of a link. */
export function recall(link: string): Remembered | undefined {
  return read(() => sessionStorage, tabKey(link), remembered)
}

export function remember(link: string, patch: Partial<Remembered>): void {
  const before = recall(link) ?? { joined: false, microphone: false, camera: false }
  write(() => sessionStorage, tabKey(link), { ...before, ...patch })
}

export function recallDevices(): DeviceChoices {
  return read(() => localStorage, devicesKey, choices) ?? {}
}

export function rememberDevices(value: DeviceChoices): void {
  write(() => localStorage, devicesKey, value)
}

/** Storage can be forbidden or hold what another version wrote: both are as if there were nothing. */
function read<T>(storage: () => Storage, key: string, shape: Shape<T>): T | undefined {
  try {
    const stored = storage().getItem(key)
    return stored === null ? undefined : shape(JSON.parse(stored), '')
  } catch {
    return undefined
  }
}

function write(storage: () => Storage, key: string, value: unknown): void {
  try {
    storage().setItem(key, JSON.stringify(value))
  } catch {
    // Without storage the call works as well; only a reload starts anew.
  }
}
