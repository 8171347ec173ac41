import { describe, expect, test, vi } from 'vitest'
import { EngineError } from './errors'
import { times } from './signalling'
import { settled } from './testing/browser'
import { takeDesk } from './testing/desk'
import { message, resumed, welcome } from './testing/peer'

const desk = takeDesk()

describe('a lost line', () => {
  test('is shown, and everything stays on screen', async () => {
    const socket = await desk.enter()
    socket.drop()
    expect(desk.phase()).toEqual({ kind: 'reconnecting', what: 'signalling', attempt: 1 })
    expect(desk.call.getSnapshot().participants.length).toBe(2)
    desk.room.handlers.line('reconnecting')
    expect(desk.phase()).toEqual({ kind: 'reconnecting', what: 'both', attempt: 1 })
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    desk.peer.last.accept().say(resumed())
    expect(desk.phase()).toEqual({ kind: 'reconnecting', what: 'media', attempt: 1 })
    desk.room.handlers.line('connected')
    expect(desk.phase()).toEqual({ kind: 'live' })
    expect(desk.room.tokens).toEqual(['media-2'])
  })

  test('and an unknown session join again by themselves, and unconfirmed messages are sent again', async () => {
    const socket = await desk.enter()
    desk.call.sendChat('arrived')
    desk.call.sendChat('lost')
    socket.say({ type: 'goodbye', code: 'session.unknown', message: '' }).drop(4401)
    expect(desk.phase()).toMatchObject({ kind: 'reconnecting', what: 'signalling' })
    desk.call.sendChat('meanwhile')
    await settled()
    expect(desk.requests.at(-1)?.body).toEqual({ name: 'Anna', rejoin: 'anna' })
    desk.peer.last.accept().say(welcome({ seq: 3 }, { chat: [message('m1', 'anna', 'arrived')] }))
    await settled()
    expect(desk.phase()).toEqual({ kind: 'live' })
    expect(desk.room.connects.length).toBe(2)
    expect(desk.peer.last.take('command').map(frame => [frame.id, frame.command])).toEqual([
      [1, { kind: 'chat.send', text: 'lost' }],
      [2, { kind: 'chat.send', text: 'meanwhile' }],
    ])
    expect(desk.call.getSnapshot().chat.map(entry => [entry.text, entry.pending])).toEqual([
      ['arrived', undefined],
      ['lost', true],
      ['meanwhile', true],
    ])
  })

  test('is tried again as long as the server is away', async () => {
    const socket = await desk.enter()
    for (let n = 0; n < 20; n++) desk.answers.push(new TypeError('offline'))
    socket.drop(4401)
    await vi.advanceTimersByTimeAsync(40_000)
    expect(desk.phase().kind).toBe('reconnecting')
    desk.answers.length = 0
    await vi.advanceTimersByTimeAsync(times.retryMost)
    desk.peer.last.accept().say(welcome())
    expect(desk.phase()).toEqual({ kind: 'live' })
  })

  test('of media that does not come about is told', async () => {
    await desk.call.join({ link: 'council', name: 'Anna' })
    desk.room.failures.push(new Error('no way through'))
    desk.peer.last.accept().say(welcome())
    await settled()
    expect(desk.phase()).toEqual({ kind: 'reconnecting', what: 'media', attempt: 1 })
    expect(desk.notices).toMatchObject([{ kind: 'error', error: { code: 'media.failed' } }])
  })

  test('of media is not told by itself while the whole line is gone, for then the chat does not work either', async () => {
    const socket = await desk.enter()
    socket.drop()
    desk.room.handlers.line('reconnecting')
    desk.room.handlers.failed(new Error('not published'))
    expect(desk.notices).toEqual([])
  })

  test('of media is told while only the signalling is gone, for nobody else tells of it', async () => {
    const socket = await desk.enter()
    socket.drop()
    desk.room.handlers.failed(new Error('not published'))
    expect(desk.notices).toMatchObject([{ kind: 'error', error: { code: 'media.failed' } }])
  })
})

test('a media library that the server no longer has is told by its own name', async () => {
  const missing = new EngineError({ code: 'part.missing', detail: 'TypeError: not found' })
  desk.call.dispose()
  desk.newCall({ loadRoom: () => Promise.reject(missing) })
  await desk.enter()
  expect(desk.phase()).toEqual({ kind: 'reconnecting', what: 'media', attempt: 1 })
  expect(desk.notices).toEqual([{ kind: 'error', error: { code: 'part.missing', detail: 'TypeError: not found' } }])
})

describe('a worker that dies', () => {
  const second = 2 ** 32

  test('is followed by the next one: session, chat and media come back within a second of its being there', async () => {
    await desk.call.setCamera(true)
    const first = await desk.enter()
    desk.call.sendChat('shown')
    desk.call.sendChat('stored, but not answered')
    desk.call.sendChat('never stored')
    const commands = first.take('command')
    first.say({ type: 'result', id: 1, seq: 11 })
    first.say({ type: 'event', seq: 11, event: { kind: 'chat.message', message: message('m1', 'anna', 'shown') } })
    first.drop()
    expect(desk.phase()).toEqual({ kind: 'reconnecting', what: 'signalling', attempt: 1 })
    desk.room.handlers.line('reconnecting')
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    desk.peer.last.drop() // the front answers 502: nobody is there yet
    await vi.advanceTimersByTimeAsync(2 * times.retryFirst)
    const next = desk.peer.last.accept()
    expect(next.take('resume')).toEqual([{ type: 'resume', token: 'resume-1', epoch: 1, seen: 11 }])
    const chat = [message('m1', 'anna', 'shown'), message('m2', 'anna', 'stored, but not answered')]
    const media = { path: '/conference/conf1/media', token: 'media-of-the-second', ice: [] }
    next.say(welcome({ epoch: 2, seq: second + 1, media }, { chat }))
    await settled()
    expect(next.take('command')).toEqual(commands.slice(1))
    next.say({ type: 'result', id: 2, seq: 12 })
    next.say({
      type: 'event',
      seq: second + 2,
      event: { kind: 'chat.message', message: message('m3', 'anna', 'never stored') },
    })
    next.say({ type: 'result', id: 3, seq: second + 2 })
    expect(desk.call.getSnapshot().chat.map(said => [said.text, said.pending ?? false])).toEqual([
      ['shown', false],
      ['stored, but not answered', false],
      ['never stored', false],
    ])
    expect(desk.room.connects.map(access => access.token)).toEqual(['media-1', 'media-of-the-second'])
    expect(desk.room.disconnects).toBe(1)
    expect(desk.room.sent.get('camera')).toBeDefined()
    expect(desk.phase()).toEqual({ kind: 'live' })
    expect(desk.requests.length).toBe(1)
  })

  test('leaves nothing of its room: whatever became of the old line, the new one is made', async () => {
    await desk.enter()
    desk.peer.last.drop()
    desk.room.handlers.line('closed')
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    desk.room.failures.push(new Error('the token is of another worker'))
    desk.peer.last.accept().say(welcome({ epoch: 2, seq: second + 1 }))
    await settled()
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    await settled()
    expect(desk.phase()).toEqual({ kind: 'live' })
  })

  test('is not the same as a line that was down too long: the room of the living one stays', async () => {
    await desk.enter()
    desk.peer.last.drop()
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    desk.peer.last.accept().say(welcome({ seq: 5000 }))
    await settled()
    expect(desk.room.connects.length).toBe(1)
    expect(desk.room.disconnects).toBe(0)
  })
})
