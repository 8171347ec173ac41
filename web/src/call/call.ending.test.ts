import { describe, expect, test, vi } from 'vitest'
import { leaveTimeout, rememberedJoin } from './call'
import { times } from './signalling'
import { settled } from './testing/browser'
import { problem, takeDesk } from './testing/desk'
import { message, resumed, welcome } from './testing/peer'

const desk = takeDesk()

describe('the end', () => {
  test.each([
    ['by the host', { kind: 'conference.ended', reason: 'host' }, 'host'],
    ['by a shutdown', { kind: 'conference.ended', reason: 'shutdown' }, 'shutdown'],
    ['by removal', { kind: 'participant.left', id: 'anna', reason: 'removed' }, 'removed'],
    ['by the end of the sign-in', { kind: 'participant.left', id: 'anna', reason: 'signed_out' }, 'signedOut'],
  ])('%s lets everything go', async (_, event, reason) => {
    const socket = await desk.enter()
    await desk.call.setCamera(true)
    await desk.call.setMicrophone(true)
    await desk.call.shareScreen({ audio: true, hint: 'detail' })
    socket.say({ type: 'event', seq: 11, event })
    expect(desk.phase()).toEqual({ kind: 'ended', reason })
    expect(desk.devices.live).toEqual([])
    expect(desk.room.disconnects).toBe(1)
    expect(rememberedJoin('council')?.joined).toBe(false)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(desk.peer.sockets.length).toBe(1)
  })

  test.each([
    [4409, 'session.replaced', 'replaced'],
    [4410, 'participant.removed', 'removed'],
    [4410, 'participant.signed_out', 'signedOut'],
    [4410, 'conference.ended', 'host'],
  ])('by close code %i %s', async (code, stable, reason) => {
    const socket = await desk.enter()
    socket.say({ type: 'goodbye', code: stable, message: '' }).drop(code)
    expect(desk.phase()).toEqual({ kind: 'ended', reason })
  })

  test('by leaving tells the server first', async () => {
    const socket = await desk.enter()
    await desk.call.setMicrophone(true)
    await desk.call.leave()
    expect(desk.phase()).toEqual({ kind: 'ended', reason: 'left' })
    expect(socket.take('command').map(frame => frame.command)).toEqual([{ kind: 'leave' }])
    expect(desk.devices.live).toEqual([])
    expect(socket.closedByClient).toBe(false)
    vi.advanceTimersByTime(leaveTimeout)
    expect(socket.closedByClient).toBe(true)
  })

  test('for all can be refused', async () => {
    const socket = await desk.enter()
    await desk.call.endForAll()
    const [command] = socket.take('command')
    expect(command?.command).toEqual({ kind: 'end' })
    const error = { code: 'access.denied', message: 'Only the host may.', id: 'e2' }
    socket.say({ type: 'result', id: command?.id, error })
    expect(desk.notices).toEqual([
      { kind: 'error', error: { code: 'access.denied', detail: 'Only the host may.', id: 'e2' } },
    ])
    expect(desk.phase()).toEqual({ kind: 'live' })
  })

  test.each([
    ['the state', () => welcome({ epoch: 2, seq: 2 ** 32 }, { chat: [message('m1', 'ben', 'bye')] })],
    ['a session that goes on', () => resumed()],
  ])('by leaving is final: %s that comes after it revives nothing, and the goodbye is said', async (_, frame) => {
    const socket = await desk.enter()
    await desk.call.setMicrophone(true)
    socket.drop()
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    await desk.call.leave()
    const before = desk.call.getSnapshot()
    desk.peer.last.accept().say(frame())
    desk.peer.last.say({
      type: 'event',
      seq: 2 ** 32 + 1,
      event: { kind: 'participant.left', id: 'ben', reason: 'left' },
    })
    await settled()
    expect(desk.phase()).toEqual({ kind: 'ended', reason: 'left' })
    expect(desk.call.getSnapshot()).toBe(before)
    expect(desk.peer.last.take('command').map(command => command.command)).toEqual([{ kind: 'leave' }])
    expect(desk.room.connects.length).toBe(1)
    expect(desk.room.tokens).toEqual([])
    expect(desk.notices).toEqual([])
    expect(rememberedJoin('council')?.joined).toBe(false)
    await vi.advanceTimersByTimeAsync(leaveTimeout)
    expect(desk.peer.open).toBe(0)
  })

  test('by leaving between two sessions is final too', async () => {
    const socket = await desk.enter()
    socket.say({ type: 'goodbye', code: 'session.unknown', message: '' }).drop(4401)
    await settled()
    desk.peer.last.accept()
    await desk.call.leave()
    desk.peer.last.say(welcome())
    await settled()
    expect(desk.phase()).toEqual({ kind: 'ended', reason: 'left' })
    expect(desk.peer.last.take('command').map(command => command.command)).toEqual([{ kind: 'leave' }])
    expect(rememberedJoin('council')?.joined).toBe(false)
  })

  test('for all that nobody answered before the session expired is told, and can be tried again', async () => {
    const socket = await desk.enter()
    await desk.call.endForAll()
    expect(socket.take('command').map(frame => frame.command)).toEqual([{ kind: 'end' }])
    socket.say({ type: 'goodbye', code: 'session.unknown', message: '' }).drop(4401)
    expect(desk.notices).toEqual([{ kind: 'error', error: { code: 'end.unanswered' } }])
    await settled()
    desk.peer.last.accept().say(welcome({}, { chat: [] }))
    await settled()
    expect(desk.peer.last.take('command')).toEqual([])
    desk.call.sendChat('still here')
    desk.peer.last.say({ type: 'result', id: 1, error: { code: 'rate.limited', message: 'Slowly.' } })
    expect(desk.notices.length).toBe(1) // the refused message shows itself in the chat; nobody takes it for the end
    await desk.call.endForAll()
    expect(desk.peer.last.take('command').at(-1)?.command).toEqual({ kind: 'end' })
  })

  test('for all that nobody answered is told when the sign-in ended too, and that one has to sign in again', async () => {
    await desk.call.join({ link: 'council' })
    desk.peer.last.accept().say(welcome())
    await desk.call.endForAll()
    desk.answers.push(problem(422, 'name.empty')) // to the server a guest without a name
    desk.peer.last.drop(4401)
    await settled()
    expect(desk.notices).toEqual([{ kind: 'error', error: { code: 'end.unanswered' } }])
    expect(desk.phase()).toMatchObject({ kind: 'failed', error: { code: 'session.invalid' } })
  })

  test('by leaving says that the end for all was not answered', async () => {
    const socket = await desk.enter()
    socket.drop()
    await desk.call.endForAll()
    await desk.call.leave()
    expect(desk.notices).toEqual([{ kind: 'error', error: { code: 'end.unanswered' } }])
  })

  test.each([
    ['elsewhere', 4409, 'session.replaced', 1],
    ['by the host', 4410, 'conference.ended', 0],
  ])(
    'for all: whether it came about is told where the call goes on without an answer (%s)',
    async (_, code, stable, told) => {
      const socket = await desk.enter()
      await desk.call.endForAll()
      socket.say({ type: 'goodbye', code: stable, message: '' }).drop(code)
      expect(desk.notices.length).toBe(told)
    },
  )

  test('after it one can join again', async () => {
    await desk.enter()
    await desk.call.leave()
    await desk.enter()
    await vi.advanceTimersByTimeAsync(leaveTimeout)
    expect(desk.phase()).toEqual({ kind: 'live' })
  })

  test('dispose leaves no timer and no listener', async () => {
    const socket = await desk.enter()
    await desk.call.setMicrophone(true)
    await desk.call.shareScreen({ audio: false, hint: 'motion' })
    socket.drop()
    desk.call.dispose()
    expect(vi.getTimerCount()).toBe(0)
    expect(desk.listeners.size).toBe(0)
    expect(desk.devices.live).toEqual([])
    await vi.advanceTimersByTimeAsync(120_000)
    expect(desk.peer.sockets.length).toBe(1)
  })
})
