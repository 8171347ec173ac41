import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createCall, joinAttempts, leaveTimeout, rememberedJoin } from './call'
import { EngineError } from './errors'
import { times } from './signalling'
import { type FakeMediaDevices, installDevices, named, settled } from './testing/browser'
import { ben, message, Peer, resumed, welcome } from './testing/peer'
import { ScriptedRoom } from './testing/room'
import type { Call, Notice } from './types'

let devices: FakeMediaDevices
let peer: Peer
let room: ScriptedRoom
let call: Call
let notices: Notice[]
let requests: { url: string; body: Record<string, unknown> }[]
let answers: (Response | Error)[]
let listeners: Set<unknown>

const admission = () => ({
  conference: 'conf1',
  signalling: '/conference/conf1/signalling',
  ticket: `ticket-${requests.length}`,
  expiresAt: '2026-11-21T10:01:00.000Z',
})

function newCall() {
  notices = []
  call = createCall({
    connect: peer.connect,
    random: () => 1,
    loadRoom: async handlers => {
      room = new ScriptedRoom(handlers)
      return room
    },
  })
  call.onNotice(notice => notices.push(notice))
}

beforeEach(() => {
  vi.useFakeTimers()
  devices = installDevices()
  peer = new Peer()
  requests = []
  answers = []
  listeners = new Set()
  sessionStorage.clear()
  localStorage.clear()
  const { addEventListener, removeEventListener } = window
  vi.stubGlobal('addEventListener', (...args: Parameters<typeof addEventListener>) => {
    listeners.add(args[1])
    addEventListener(...args)
  })
  vi.stubGlobal('removeEventListener', (...args: Parameters<typeof removeEventListener>) => {
    listeners.delete(args[1])
    removeEventListener(...args)
  })
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    requests.push({ url, body: JSON.parse(String(init.body)) })
    const answer = answers.shift() ?? Response.json(admission())
    if (answer instanceof Error) throw answer
    return answer
  })
  newCall()
})

afterEach(() => {
  call.dispose()
  expect(devices.live).toEqual([])
  expect(devices.listening).toBe(0)
  expect(peer.open).toBe(0)
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const phase = () => call.getSnapshot().phase
const problem = (status: number, code: string) => Response.json({ code, id: 'e1', detail: 'Said so.' }, { status })

async function enter() {
  await call.join({ link: 'council', name: 'Anna' })
  peer.last.accept().say(welcome())
  await settled()
  return peer.last
}

describe('joining', () => {
  test('goes from the link to a live conference', async () => {
    const socket = await enter()
    expect(requests).toEqual([{ url: '/api/v1/join/council', body: { name: 'Anna' } }])
    expect(socket.take('hello')).toEqual([{ type: 'hello', ticket: 'ticket-1' }])
    expect(phase()).toEqual({ kind: 'live' })
    const { conference, self, participants } = call.getSnapshot()
    expect(conference?.title).toBe('Council')
    expect(self).toBe('anna')
    expect(participants.map(person => [person.id, person.isSelf])).toEqual([
      ['anna', true],
      ['ben', false],
    ])
    expect(room.connects).toEqual([{ path: '/conference/conf1/media', token: 'media-1', codec: 'vp8', ice: [] }])
  })

  test('publishes the captures of the preview', async () => {
    await call.setCamera(true)
    await call.setMicrophone(true)
    await enter()
    expect([...room.sent].filter(([, sent]) => sent).map(([source]) => source)).toEqual(['camera', 'microphone'])
    expect(call.getSnapshot().participants[0]).toMatchObject({ microphone: true, camera: true })
  })

  test('a refusal is final and carries its code', async () => {
    answers.push(problem(403, 'guests.not_allowed'))
    await call.join({ link: 'council', name: 'Anna' })
    expect(phase()).toEqual({
      kind: 'failed',
      error: { code: 'guests.not_allowed', id: 'e1', detail: 'Said so.' },
    })
    expect(requests.length).toBe(1)
  })

  test('a server that is away is tried a few times', async () => {
    answers.push(new TypeError('offline'), new Response('bad gateway', { status: 502 }), new TypeError('offline'))
    await call.join({ link: 'council', name: 'Anna' })
    expect(phase()).toEqual({ kind: 'joining' })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(requests.length).toBe(joinAttempts)
    expect(phase()).toEqual({ kind: 'failed', error: { code: 'server.unavailable' } })
  })

  test('after a failure one can join again', async () => {
    answers.push(problem(404, 'meeting.unknown'))
    await call.join({ link: 'council', name: 'Anna' })
    await enter()
    expect(phase()).toEqual({ kind: 'live' })
  })

  test('a ticket that does not work is replaced', async () => {
    await call.join({ link: 'council', name: 'Anna' })
    peer.last.accept().say({ type: 'goodbye', code: 'ticket.expired', message: '' }).drop(4401)
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    expect(peer.last.accept().take('hello')).toEqual([{ type: 'hello', ticket: 'ticket-2' }])
  })

  test('an answer that is not what was agreed is refused', async () => {
    answers.push(Response.json({ ...admission(), signalling: 'wss://evil.example/' }))
    await call.join({ link: 'council', name: 'Anna' })
    expect(phase()).toMatchObject({ kind: 'failed', error: { code: 'protocol.malformed' } })
    expect(peer.sockets).toEqual([])
  })

  test('two clicks are one join', async () => {
    await Promise.all([call.join({ link: 'council' }), call.join({ link: 'council' })])
    expect(requests.length).toBe(1)
  })
})

describe('after a reload', () => {
  test('the tab comes back as who it was, with the devices it had', async () => {
    await enter()
    await call.setMicrophone(true)
    await call.setCamera(true)
    call.dispose()
    expect(rememberedJoin('council')).toEqual({
      participant: 'anna',
      name: 'Anna',
      joined: true,
      microphone: true,
      camera: true,
    })
    newCall()
    await call.join({ link: 'council' })
    expect(requests.at(-1)?.body).toEqual({ name: 'Anna', rejoin: 'anna' })
    peer.last.accept().say(welcome())
    await settled()
    expect(call.getSnapshot().microphone.kind).toBe('on')
    expect(call.getSnapshot().camera.kind).toBe('on')
  })

  test('nothing secret is stored', async () => {
    await enter()
    const stored = JSON.stringify([{ ...sessionStorage }, { ...localStorage }])
    for (const secret of ['ticket', 'resume-1', 'media-1']) expect(stored).not.toContain(secret)
  })

  test('one who left is asked again', async () => {
    await enter()
    await call.leave()
    expect(rememberedJoin('council')?.joined).toBe(false)
  })
})

describe('a lost line', () => {
  test('is shown, and everything stays on screen', async () => {
    const socket = await enter()
    socket.drop()
    expect(phase()).toEqual({ kind: 'reconnecting', what: 'signalling', attempt: 1 })
    expect(call.getSnapshot().participants.length).toBe(2)
    room.handlers.line('reconnecting')
    expect(phase()).toEqual({ kind: 'reconnecting', what: 'both', attempt: 1 })
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    peer.last.accept().say(resumed())
    expect(phase()).toEqual({ kind: 'reconnecting', what: 'media', attempt: 1 })
    room.handlers.line('connected')
    expect(phase()).toEqual({ kind: 'live' })
    expect(room.tokens).toEqual(['media-2'])
  })

  test('and an unknown session join again by themselves, and unconfirmed messages are sent again', async () => {
    const socket = await enter()
    call.sendChat('arrived')
    call.sendChat('lost')
    socket.say({ type: 'goodbye', code: 'session.unknown', message: '' }).drop(4401)
    expect(phase()).toMatchObject({ kind: 'reconnecting', what: 'signalling' })
    call.sendChat('meanwhile')
    await settled()
    expect(requests.at(-1)?.body).toEqual({ name: 'Anna', rejoin: 'anna' })
    peer.last.accept().say(welcome({ seq: 3 }, { chat: [message('m1', 'anna', 'arrived')] }))
    await settled()
    expect(phase()).toEqual({ kind: 'live' })
    expect(room.connects.length).toBe(2)
    expect(peer.last.take('command').map(frame => [frame.id, frame.command])).toEqual([
      [1, { kind: 'chat.send', text: 'lost' }],
      [2, { kind: 'chat.send', text: 'meanwhile' }],
    ])
    expect(call.getSnapshot().chat.map(entry => [entry.text, entry.pending])).toEqual([
      ['arrived', undefined],
      ['lost', true],
      ['meanwhile', true],
    ])
  })

  test('is tried again as long as the server is away', async () => {
    const socket = await enter()
    for (let n = 0; n < 20; n++) answers.push(new TypeError('offline'))
    socket.drop(4401)
    await vi.advanceTimersByTimeAsync(40_000)
    expect(phase().kind).toBe('reconnecting')
    answers.length = 0
    await vi.advanceTimersByTimeAsync(times.retryMost)
    peer.last.accept().say(welcome())
    expect(phase()).toEqual({ kind: 'live' })
  })

  test('of media that does not come about is told', async () => {
    await call.join({ link: 'council', name: 'Anna' })
    room.failures.push(new Error('no way through'))
    peer.last.accept().say(welcome())
    await settled()
    expect(phase()).toEqual({ kind: 'reconnecting', what: 'media', attempt: 1 })
    expect(notices).toMatchObject([{ kind: 'error', error: { code: 'media.failed' } }])
  })
})

test('a media library that the server no longer has is told by its own name', async () => {
  const missing = new EngineError({ code: 'part.missing', detail: 'TypeError: not found' })
  call.dispose()
  call = createCall({ connect: peer.connect, random: () => 1, loadRoom: () => Promise.reject(missing) })
  call.onNotice(notice => notices.push(notice))
  await enter()
  expect(phase()).toEqual({ kind: 'reconnecting', what: 'media', attempt: 1 })
  expect(notices).toEqual([{ kind: 'error', error: { code: 'part.missing', detail: 'TypeError: not found' } }])
})

describe('a worker that dies', () => {
  const second = 2 ** 32

  test('is followed by the next one: session, chat and media come back within a second of its being there', async () => {
    await call.setCamera(true)
    const first = await enter()
    call.sendChat('shown')
    call.sendChat('stored, but not answered')
    call.sendChat('never stored')
    const commands = first.take('command')
    first.say({ type: 'result', id: 1, seq: 11 })
    first.say({ type: 'event', seq: 11, event: { kind: 'chat.message', message: message('m1', 'anna', 'shown') } })
    first.drop()
    expect(phase()).toEqual({ kind: 'reconnecting', what: 'signalling', attempt: 1 })
    room.handlers.line('reconnecting')
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    peer.last.drop() // the front answers 502: nobody is there yet
    await vi.advanceTimersByTimeAsync(2 * times.retryFirst)
    const next = peer.last.accept()
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
    expect(call.getSnapshot().chat.map(said => [said.text, said.pending ?? false])).toEqual([
      ['shown', false],
      ['stored, but not answered', false],
      ['never stored', false],
    ])
    expect(room.connects.map(access => access.token)).toEqual(['media-1', 'media-of-the-second'])
    expect(room.disconnects).toBe(1)
    expect(room.sent.get('camera')).toBeDefined()
    expect(phase()).toEqual({ kind: 'live' })
    expect(requests.length).toBe(1)
  })

  test('leaves nothing of its room: whatever became of the old line, the new one is made', async () => {
    await enter()
    peer.last.drop()
    room.handlers.line('closed')
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    room.failures.push(new Error('the token is of another worker'))
    peer.last.accept().say(welcome({ epoch: 2, seq: second + 1 }))
    await settled()
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    await settled()
    expect(phase()).toEqual({ kind: 'live' })
  })

  test('is not the same as a line that was down too long: the room of the living one stays', async () => {
    await enter()
    peer.last.drop()
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    peer.last.accept().say(welcome({ seq: 5000 }))
    await settled()
    expect(room.connects.length).toBe(1)
    expect(room.disconnects).toBe(0)
  })
})

describe('the end', () => {
  test.each([
    ['by the host', { kind: 'conference.ended', reason: 'host' }, 'host'],
    ['by a shutdown', { kind: 'conference.ended', reason: 'shutdown' }, 'shutdown'],
    ['by removal', { kind: 'participant.left', id: 'anna', reason: 'removed' }, 'removed'],
  ])('%s lets everything go', async (_, event, reason) => {
    const socket = await enter()
    await call.setCamera(true)
    await call.setMicrophone(true)
    await call.shareScreen({ audio: true, hint: 'detail' })
    socket.say({ type: 'event', seq: 11, event })
    expect(phase()).toEqual({ kind: 'ended', reason })
    expect(devices.live).toEqual([])
    expect(room.disconnects).toBe(1)
    expect(rememberedJoin('council')?.joined).toBe(false)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(peer.sockets.length).toBe(1)
  })

  test.each([
    [4409, 'session.replaced', 'replaced'],
    [4410, 'participant.removed', 'removed'],
    [4410, 'conference.ended', 'host'],
  ])('by close code %i %s', async (code, stable, reason) => {
    const socket = await enter()
    socket.say({ type: 'goodbye', code: stable, message: '' }).drop(code)
    expect(phase()).toEqual({ kind: 'ended', reason })
  })

  test('by leaving tells the server first', async () => {
    const socket = await enter()
    await call.setMicrophone(true)
    await call.leave()
    expect(phase()).toEqual({ kind: 'ended', reason: 'left' })
    expect(socket.take('command').map(frame => frame.command)).toEqual([{ kind: 'leave' }])
    expect(devices.live).toEqual([])
    expect(socket.closedByClient).toBe(false)
    vi.advanceTimersByTime(leaveTimeout)
    expect(socket.closedByClient).toBe(true)
  })

  test('for all can be refused', async () => {
    const socket = await enter()
    await call.endForAll()
    const [command] = socket.take('command')
    expect(command?.command).toEqual({ kind: 'end' })
    const error = { code: 'access.denied', message: 'Only the host may.', id: 'e2' }
    socket.say({ type: 'result', id: command?.id, error })
    expect(notices).toEqual([
      { kind: 'error', error: { code: 'access.denied', detail: 'Only the host may.', id: 'e2' } },
    ])
    expect(phase()).toEqual({ kind: 'live' })
  })

  test.each([
    ['the state', () => welcome({ epoch: 2, seq: 2 ** 32 }, { chat: [message('m1', 'ben', 'bye')] })],
    ['a session that goes on', () => resumed()],
  ])('by leaving is final: %s that comes after it revives nothing, and the goodbye is said', async (_, frame) => {
    const socket = await enter()
    await call.setMicrophone(true)
    socket.drop()
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    await call.leave()
    const before = call.getSnapshot()
    peer.last.accept().say(frame())
    peer.last.say({ type: 'event', seq: 2 ** 32 + 1, event: { kind: 'participant.left', id: 'ben', reason: 'left' } })
    await settled()
    expect(phase()).toEqual({ kind: 'ended', reason: 'left' })
    expect(call.getSnapshot()).toBe(before)
    expect(peer.last.take('command').map(command => command.command)).toEqual([{ kind: 'leave' }])
    expect(room.connects.length).toBe(1)
    expect(room.tokens).toEqual([])
    expect(notices).toEqual([])
    expect(rememberedJoin('council')?.joined).toBe(false)
    await vi.advanceTimersByTimeAsync(leaveTimeout)
    expect(peer.open).toBe(0)
  })

  test('by leaving between two sessions is final too', async () => {
    const socket = await enter()
    socket.say({ type: 'goodbye', code: 'session.unknown', message: '' }).drop(4401)
    await settled()
    peer.last.accept()
    await call.leave()
    peer.last.say(welcome())
    await settled()
    expect(phase()).toEqual({ kind: 'ended', reason: 'left' })
    expect(peer.last.take('command').map(command => command.command)).toEqual([{ kind: 'leave' }])
    expect(rememberedJoin('council')?.joined).toBe(false)
  })

  test('for all that nobody answered before the session expired is told, and can be tried again', async () => {
    const socket = await enter()
    await call.endForAll()
    expect(socket.take('command').map(frame => frame.command)).toEqual([{ kind: 'end' }])
    socket.say({ type: 'goodbye', code: 'session.unknown', message: '' }).drop(4401)
    expect(notices).toEqual([{ kind: 'error', error: { code: 'end.unanswered' } }])
    await settled()
    peer.last.accept().say(welcome({}, { chat: [] }))
    await settled()
    expect(peer.last.take('command')).toEqual([])
    call.sendChat('still here')
    peer.last.say({ type: 'result', id: 1, error: { code: 'rate.limited', message: 'Slowly.' } })
    expect(notices.length).toBe(1) // the refused message shows itself in the chat; nobody takes it for the end
    await call.endForAll()
    expect(peer.last.take('command').at(-1)?.command).toEqual({ kind: 'end' })
  })

  test('for all that nobody answered is told when the sign-in ended too, and that one has to sign in again', async () => {
    await call.join({ link: 'council' })
    peer.last.accept().say(welcome())
    await call.endForAll()
    answers.push(problem(422, 'name.empty')) // to the server a guest without a name
    peer.last.drop(4401)
    await settled()
    expect(notices).toEqual([{ kind: 'error', error: { code: 'end.unanswered' } }])
    expect(phase()).toMatchObject({ kind: 'failed', error: { code: 'session.invalid' } })
  })

  test('by leaving says that the end for all was not answered', async () => {
    const socket = await enter()
    socket.drop()
    await call.endForAll()
    await call.leave()
    expect(notices).toEqual([{ kind: 'error', error: { code: 'end.unanswered' } }])
  })

  test.each([
    ['elsewhere', 4409, 'session.replaced', 1],
    ['by the host', 4410, 'conference.ended', 0],
  ])(
    'for all: whether it came about is told where the call goes on without an answer (%s)',
    async (_, code, stable, told) => {
      const socket = await enter()
      await call.endForAll()
      socket.say({ type: 'goodbye', code: stable, message: '' }).drop(code)
      expect(notices.length).toBe(told)
    },
  )

  test('after it one can join again', async () => {
    await enter()
    await call.leave()
    await enter()
    await vi.advanceTimersByTimeAsync(leaveTimeout)
    expect(phase()).toEqual({ kind: 'live' })
  })

  test('dispose leaves no timer and no listener', async () => {
    const socket = await enter()
    await call.setMicrophone(true)
    await call.shareScreen({ audio: false, hint: 'motion' })
    socket.drop()
    call.dispose()
    expect(vi.getTimerCount()).toBe(0)
    expect(listeners.size).toBe(0)
    expect(devices.live).toEqual([])
    await vi.advanceTimersByTimeAsync(120_000)
    expect(peer.sockets.length).toBe(1)
  })
})

describe('the chat', () => {
  test('shows a message pending, then once', async () => {
    const socket = await enter()
    call.sendChat('  hello ')
    call.sendChat('   ')
    const [command] = socket.take('command')
    expect(command?.command).toEqual({ kind: 'chat.send', text: 'hello' })
    expect(call.getSnapshot().chat).toMatchObject([{ text: 'hello', name: 'Anna', pending: true }])
    socket.say({ type: 'event', seq: 11, event: { kind: 'chat.message', message: message('m1', 'anna', 'hello') } })
    socket.say({ type: 'result', id: command?.id, seq: 11 })
    expect(call.getSnapshot().chat).toEqual([message('m1', 'anna', 'hello')])
  })

  test('shows a refusal and sends again on request', async () => {
    const socket = await enter()
    call.sendChat('hello')
    socket.say({ type: 'result', id: 1, error: { code: 'rate.limited', message: 'Slowly.' } })
    const [failed] = call.getSnapshot().chat
    expect(failed?.failed?.code).toBe('rate.limited')
    call.retryChat(failed?.id ?? '')
    expect(socket.take('command').map(frame => frame.id)).toEqual([1, 2])
    expect(call.getSnapshot().chat).toMatchObject([{ text: 'hello', pending: true }])
  })
})

describe('what there is to announce', () => {
  test('people, lines and messages of others', async () => {
    const socket = await enter()
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
    expect(notices).toEqual([
      { kind: 'joined', name: 'Carl' },
      { kind: 'connection', name: 'Carl', connected: false },
      { kind: 'message', message: said },
      { kind: 'left', name: 'Carl' },
    ])
  })

  test('screens of others, and what media knows of them', async () => {
    await enter()
    room.here = new Map([['ben', { microphone: true, camera: true, screen: true, speaking: true, quality: 'poor' }]])
    room.handlers.changed()
    await settled()
    expect(call.getSnapshot().participants[1]).toMatchObject({ screen: true, speaking: true, quality: 'poor' })
    expect(notices).toEqual([{ kind: 'screen', name: 'Ben', on: true }])
    const before = call.getSnapshot()
    room.handlers.changed()
    await settled()
    expect(call.getSnapshot()).toBe(before)
    room.here = new Map()
    room.handlers.changed()
    await settled()
    expect(notices.at(-1)).toEqual({ kind: 'screen', name: 'Ben', on: false })
  })

  test('devices that fail', async () => {
    devices.refusals.push(named('NotReadableError'))
    await call.setCamera(true)
    expect(call.getSnapshot().camera).toEqual({
      kind: 'failed',
      error: { code: 'device.in_use', detail: 'camera' },
    })
    expect(notices).toMatchObject([{ kind: 'error', error: { code: 'device.in_use' } }])
  })
})

describe('media', () => {
  test('audio only stops all video and the own camera, and keeps the microphone', async () => {
    await enter()
    await call.setCamera(true)
    await call.setMicrophone(true)
    call.setAudioOnly(true)
    await settled()
    expect(room.video).toBe(false)
    expect(call.getSnapshot()).toMatchObject({ audioOnly: true, camera: { kind: 'off' }, microphone: { kind: 'on' } })
    expect(devices.live.map(track => track.kind)).toEqual(['audio'])
    call.setAudioOnly(false)
    expect(room.video).toBe(true)
  })

  test('one sees oneself without the SFU, before and after joining, and others through it', async () => {
    const mirror = document.createElement('video')
    const detach = call.attachVideo({ participant: '', source: 'camera' }, mirror)
    await call.setCamera(true)
    expect(mirror.srcObject).not.toBeNull()
    await call.setCamera(false)
    expect(mirror.srcObject).toBeNull()
    detach()
    await enter()
    const detachOther = call.attachVideo({ participant: 'ben', source: 'screen' }, document.createElement('video'))
    expect(room.attached).toEqual([{ participant: 'ben', source: 'screen' }])
    detachOther()
    expect(room.attached).toEqual([])
  })

  test('a screen ends where the browser ends it', async () => {
    await enter()
    await call.shareScreen({ audio: true, hint: 'motion' })
    expect(room.sent.get('screen')?.hint).toBe('motion')
    expect(room.sent.get('screenSound')).toBeDefined()
    devices.live.find(track => track.kind === 'video')?.unplug()
    expect(call.getSnapshot().screen).toEqual({ kind: 'off' })
    expect(room.sent.get('screen')).toBeUndefined()
    expect(devices.live).toEqual([])
  })

  test('a dialog that was closed changes nothing', async () => {
    devices.refusals.push(named('NotAllowedError', 'Permission denied'))
    await call.shareScreen({ audio: false, hint: 'detail' })
    expect(call.getSnapshot().screen).toEqual({ kind: 'off' })
    expect(notices).toEqual([])
  })

  test('sound that the browser blocks can be started', async () => {
    await enter()
    room.handlers.soundBlocked(true)
    expect(call.getSnapshot().soundBlocked).toBe(true)
    await call.startSound()
    expect(call.getSnapshot().soundBlocked).toBe(false)
  })

  test('a microphone that is off stays ready during the call, and not before', async () => {
    await call.setMicrophone(true)
    await call.setMicrophone(false)
    expect(devices.live).toEqual([])
    await enter()
    await call.setMicrophone(true)
    await call.setMicrophone(false)
    expect(devices.live.map(track => track.enabled)).toEqual([false])
    expect(room.sent.get('microphone')).toBeUndefined()
  })
})
