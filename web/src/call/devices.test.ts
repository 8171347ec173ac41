import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CaptureControl } from './capture'
import { createDevices, openScreen } from './devices'
import { EngineError } from './errors'
import { type FakeMediaDevices, type FakeTrack, installDevices, named, settled } from './testing/browser'
import type { Capture } from './types'

let media: FakeMediaDevices

beforeEach(() => {
  media = installDevices()
  localStorage.clear()
})
afterEach(() => vi.unstubAllGlobals())

const codeOf = (caught: unknown) => (caught instanceof EngineError ? caught.error : caught)

describe('the book of devices', () => {
  test('lists what there is and chooses the first', async () => {
    const book = createDevices(() => undefined)
    await book.refresh()
    expect(book.get().microphones.map(device => device.id)).toEqual(['mic-1', 'mic-2'])
    expect(book.get().selected).toEqual({ microphone: 'mic-1', camera: 'cam-1', speaker: undefined })
    book.dispose()
    expect(media.listening).toBe(0)
  })

  test('leaves out what the browser does not name before permission', async () => {
    media.devices = [{ deviceId: '', kind: 'audioinput', label: '' }]
    const book = createDevices(() => undefined)
    await book.refresh()
    expect(book.get().microphones).toEqual([])
  })

  test('remembers a choice, and takes another device while the chosen one is unplugged', async () => {
    createDevices(() => undefined).select('microphone', 'mic-2')
    const book = createDevices(() => undefined)
    await book.refresh()
    expect(book.get().selected.microphone).toBe('mic-2')
    expect((await book.open('microphone')).getSettings().deviceId).toBe('mic-2')
    media.devices = media.devices.filter(device => device.deviceId !== 'mic-2')
    expect((await book.open('microphone')).getSettings().deviceId).toBe('mic-1')
  })

  test('follows plugging and unplugging', async () => {
    const changed = vi.fn()
    const book = createDevices(changed)
    media.dispatchEvent(new Event('devicechange'))
    await settled()
    expect(changed).toHaveBeenCalledOnce()
    book.dispose()
  })

  test.each([
    ['NotAllowedError', 'device.permission_denied'],
    ['SecurityError', 'device.permission_denied'],
    ['NotFoundError', 'device.not_found'],
    ['NotReadableError', 'device.in_use'],
    ['AbortError', 'device.in_use'],
    ['TypeError', 'device.unsupported'],
    ['SomethingNewError', 'device.in_use'],
  ])('%s is %s', async (name, code) => {
    media.refusals.push(named(name))
    const caught = await createDevices(() => undefined)
      .open('camera')
      .catch(codeOf)
    expect(caught).toEqual({ code, detail: 'camera' })
  })

  test('a browser without devices is unsupported', async () => {
    vi.stubGlobal('navigator', {})
    const book = createDevices(() => undefined)
    await book.refresh()
    expect(await book.open('microphone').catch(codeOf)).toEqual({ code: 'device.unsupported', detail: 'microphone' })
    expect(await openScreen({ audio: false, hint: 'detail' }).catch(codeOf)).toEqual({
      code: 'device.unsupported',
      detail: 'screen',
    })
  })

  test('a forbidden storage only forgets', async () => {
    vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw named('SecurityError')
    })
    expect(() => createDevices(() => undefined).select('camera', 'cam-1')).not.toThrow()
  })
})

describe('a screen', () => {
  test('carries its hint and its sound', async () => {
    const tracks = await openScreen({ audio: true, hint: 'detail' })
    expect(tracks?.video.contentHint).toBe('detail')
    expect(tracks?.audio).toBeDefined()
    expect((await openScreen({ audio: false, hint: 'motion' }))?.audio).toBeUndefined()
  })

  test('choosing nothing is no error, a refusal of the system is one', async () => {
    media.refusals.push(named('NotAllowedError', 'Permission denied'))
    expect(await openScreen({ audio: false, hint: 'detail' })).toBeUndefined()
    media.refusals.push(named('NotAllowedError', 'Permission denied by system'))
    expect(await openScreen({ audio: false, hint: 'detail' }).catch(codeOf)).toEqual({
      code: 'device.permission_denied',
      detail: 'screen',
    })
  })
})

describe('a capture', () => {
  let states: Capture[]
  let carried: (FakeTrack | undefined)[]
  let hold: boolean
  let capture: CaptureControl

  beforeEach(() => {
    states = []
    carried = []
    hold = false
    const book = createDevices(() => undefined)
    capture = new CaptureControl({
      open: () => book.open('microphone'),
      hold: () => hold,
      changed: (state, track) => {
        states.push(state)
        carried.push(track as unknown as FakeTrack | undefined)
      },
    })
  })

  test('goes on and off, and lets the device go', async () => {
    await capture.set(true)
    expect(states).toEqual([{ kind: 'starting' }, { kind: 'on', deviceId: 'mic-1' }])
    expect(media.live.length).toBe(1)
    await capture.set(false)
    expect(states.at(-1)).toEqual({ kind: 'off' })
    expect(media.live).toEqual([])
  })

  test('held, it is silent and quick to return', async () => {
    hold = true
    await capture.set(true)
    await capture.set(false)
    expect(media.live.map(track => track.enabled)).toEqual([false])
    await capture.set(true)
    expect(media.live.map(track => track.enabled)).toEqual([true])
    expect(media.requests.length).toBe(1)
    capture.stop()
    expect(media.live).toEqual([])
  })

  test('the last wish counts, also while the person thinks about the permission', async () => {
    const wishes = [capture.set(true), capture.set(false), capture.set(true), capture.set(false)]
    await Promise.all(wishes)
    expect(states.at(-1)).toEqual({ kind: 'off' })
    expect(media.live).toEqual([])
  })

  test('stopped while opening, it keeps no device', async () => {
    const opening = capture.set(true)
    capture.stop()
    await opening
    expect(states.at(-1)).toEqual({ kind: 'off' })
    expect(media.live).toEqual([])
  })

  test('a refusal is a state, and can be tried again', async () => {
    media.refusals.push(named('NotAllowedError'))
    await capture.set(true)
    expect(states.at(-1)).toEqual({
      kind: 'failed',
      error: { code: 'device.permission_denied', detail: 'microphone' },
    })
    expect(capture.isWanted).toBe(false)
    await capture.set(true)
    expect(states.at(-1)).toEqual({ kind: 'on', deviceId: 'mic-1' })
  })

  test('unplugged, it takes another device', async () => {
    await capture.set(true)
    media.devices = media.devices.filter(device => device.deviceId !== 'mic-1')
    media.live[0]?.unplug()
    await settled()
    expect(states.at(-1)).toEqual({ kind: 'on', deviceId: 'mic-2' })
    expect(carried.at(-1)).toBe(media.live[0])
  })

  test('unplugged without another one, it says so', async () => {
    await capture.set(true)
    media.devices = []
    media.live[0]?.unplug()
    await settled()
    expect(states.at(-1)).toEqual({ kind: 'failed', error: { code: 'device.not_found', detail: 'microphone' } })
  })

  test('another device is opened before the old one is let go', async () => {
    await capture.set(true)
    createDevices(() => undefined).select('microphone', 'mic-2')
    await capture.reopen()
    expect(states.map(state => state.kind)).toEqual(['starting', 'on', 'on'])
    expect(states.at(-1)).toEqual({ kind: 'on', deviceId: 'mic-2' })
    expect(media.live.length).toBe(1)
  })
})
