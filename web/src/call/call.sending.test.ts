import { describe, expect, test } from 'vitest'
import { named, settled } from './testing/browser'
import { takeDesk } from './testing/desk'

const desk = takeDesk()

describe('media', () => {
  test('audio only stops all video and the own camera, and keeps the microphone', async () => {
    await desk.enter()
    await desk.call.setCamera(true)
    await desk.call.setMicrophone(true)
    desk.call.setAudioOnly(true)
    await settled()
    expect(desk.room.video).toBe(false)
    expect(desk.call.getSnapshot()).toMatchObject({
      audioOnly: true,
      camera: { kind: 'off' },
      microphone: { kind: 'on' },
    })
    expect(desk.devices.live.map(track => track.kind)).toEqual(['audio'])
    desk.call.setAudioOnly(false)
    expect(desk.room.video).toBe(true)
  })

  test('one sees oneself without the SFU, before and after joining, and others through it', async () => {
    const mirror = document.createElement('video')
    const detach = desk.call.attachVideo({ participant: '', source: 'camera' }, mirror)
    await desk.call.setCamera(true)
    expect(mirror.srcObject).not.toBeNull()
    await desk.call.setCamera(false)
    expect(mirror.srcObject).toBeNull()
    detach()
    await desk.enter()
    const detachOther = desk.call.attachVideo({ participant: 'ben', source: 'screen' }, document.createElement('video'))
    expect(desk.room.attached).toEqual([{ participant: 'ben', source: 'screen' }])
    detachOther()
    expect(desk.room.attached).toEqual([])
  })

  test('a screen ends where the browser ends it', async () => {
    await desk.enter()
    await desk.call.shareScreen({ audio: true, hint: 'motion' })
    expect(desk.room.sent.get('screen')?.hint).toBe('motion')
    expect(desk.room.sent.get('screenSound')).toBeDefined()
    desk.devices.live.find(track => track.kind === 'video')?.unplug()
    expect(desk.call.getSnapshot().screen).toEqual({ kind: 'off' })
    expect(desk.room.sent.get('screen')).toBeUndefined()
    expect(desk.devices.live).toEqual([])
  })

  test('a dialog that was closed changes nothing', async () => {
    desk.devices.refusals.push(named('NotAllowedError', 'Permission denied'))
    await desk.call.shareScreen({ audio: false, hint: 'detail' })
    expect(desk.call.getSnapshot().screen).toEqual({ kind: 'off' })
    expect(desk.notices).toEqual([])
  })

  test('sound that the browser blocks can be started', async () => {
    await desk.enter()
    desk.room.handlers.soundBlocked(true)
    expect(desk.call.getSnapshot().soundBlocked).toBe(true)
    await desk.call.startSound()
    expect(desk.call.getSnapshot().soundBlocked).toBe(false)
  })

  test('a microphone that is off stays ready during the call, and not before', async () => {
    await desk.call.setMicrophone(true)
    await desk.call.setMicrophone(false)
    expect(desk.devices.live).toEqual([])
    await desk.enter()
    await desk.call.setMicrophone(true)
    await desk.call.setMicrophone(false)
    expect(desk.devices.live.map(track => track.enabled)).toEqual([false])
    expect(desk.room.sent.get('microphone')).toBeUndefined()
  })
})
