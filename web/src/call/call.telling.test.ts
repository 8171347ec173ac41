import { describe, expect, test } from 'vitest'
import { named, settled } from './testing/browser'
import { takeDesk } from './testing/desk'
import { ben, message } from './testing/peer'

const desk = takeDesk()

describe('the chat', () => {
  test('shows a message pending, then once', async () => {
    const socket = await desk.enter()
    desk.call.sendChat('  hello ')
    desk.call.sendChat('   ')
    const [command] = socket.take('command')
    expect(command?.command).toEqual({ kind: 'chat.send', text: 'hello' })
    expect(desk.call.getSnapshot().chat).toMatchObject([{ text: 'hello', name: 'Anna', pending: true }])
    socket.say({ type: 'event', seq: 11, event: { kind: 'chat.message', message: message('m1', 'anna', 'hello') } })
    socket.say({ type: 'result', id: command?.id, seq: 11 })
    expect(desk.call.getSnapshot().chat).toEqual([message('m1', 'anna', 'hello')])
  })

  test('shows a refusal and sends again on request', async () => {
    const socket = await desk.enter()
    desk.call.sendChat('hello')
    socket.say({ type: 'result', id: 1, error: { code: 'rate.limited', message: 'Slowly.' } })
    const [failed] = desk.call.getSnapshot().chat
    expect(failed?.failed?.code).toBe('rate.limited')
    desk.call.retryChat(failed?.id ?? '')
    expect(socket.take('command').map(frame => frame.id)).toEqual([1, 2])
    expect(desk.call.getSnapshot().chat).toMatchObject([{ text: 'hello', pending: true }])
  })
})

describe('what there is to announce', () => {
  test('people, lines and messages of others', async () => {
    const socket = await desk.enter()
    const carl = { ...ben, id: 'carl', name: 'Carl' }
    const said = message('m1', 'ben', 'hi')
    for (const [index, event] of [
      { kind: 'participant.joined', participant: carl },
      { kind: 'participant.connection', id: 'carl', connected: false },
      { kind: 'participant.connection', id: 'anna', connected: false },
      { kind: 'chat.message', message: said },
      { kind: 'chat.message', message: message('m2', 'anna', 'mine') },
      { kind: 'participant.left', id: 'carl', reason: 'lost' },
      { kind: 'poll.opened', id: 'p' },
    ].entries()) {
      socket.say({ type: 'event', seq: 11 + index, event })
    }
    expect(desk.notices).toEqual([
      { kind: 'joined', name: 'Carl' },
      { kind: 'connection', name: 'Carl', connected: false },
      { kind: 'message', message: said },
      { kind: 'left', name: 'Carl' },
    ])
  })

  test('screens of others, and what media knows of them', async () => {
    await desk.enter()
    desk.room.here = new Map([
      ['ben', { microphone: true, camera: true, screen: true, speaking: true, quality: 'poor' }],
    ])
    desk.room.handlers.changed()
    await settled()
    expect(desk.call.getSnapshot().participants[1]).toMatchObject({ screen: true, speaking: true, quality: 'poor' })
    expect(desk.notices).toEqual([{ kind: 'screen', name: 'Ben', on: true }])
    const before = desk.call.getSnapshot()
    desk.room.handlers.changed()
    await settled()
    expect(desk.call.getSnapshot()).toBe(before)
    desk.room.here = new Map()
    desk.room.handlers.changed()
    await settled()
    expect(desk.notices.at(-1)).toEqual({ kind: 'screen', name: 'Ben', on: false })
  })

  test('devices that fail', async () => {
    desk.devices.refusals.push(named('NotReadableError'))
    await desk.call.setCamera(true)
    expect(desk.call.getSnapshot().camera).toEqual({
      kind: 'failed',
      error: { code: 'device.in_use', detail: 'camera' },
    })
    expect(desk.notices).toMatchObject([{ kind: 'error', error: { code: 'device.in_use' } }])
  })
})
