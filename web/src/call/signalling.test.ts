import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createSignalling, type Over, pauseBefore, type Signalling, times } from './signalling'
import { message, Peer, resumed, welcome } from './testing/peer'

let peer: Peer
let signalling: Signalling
let seen: string[]
let overs: Over[]

beforeEach(() => {
  vi.useFakeTimers()
  peer = new Peer()
  seen = []
  overs = []
  signalling = createSignalling({
    connect: peer.connect,
    random: () => 1,
    welcome: (frame, fresh) => seen.push(`welcome ${frame.self} ${fresh ? 'fresh' : 'same'}`),
    resumed: frame => seen.push(`resumed ${frame.media.token}`),
    event: (seq, event) => seen.push(`event ${seq} ${event.kind}`),
    result: frame => seen.push(`result ${frame.id} ${frame.error?.code ?? 'ok'}`),
    lost: attempt => seen.push(`lost ${attempt}`),
    expired: () => seen.push('expired'),
    over: over => overs.push(over),
  })
})

afterEach(() => {
  signalling.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const chat = (text: string) => ({ kind: 'chat.send', text }) as const

/** A session that stands. */
function begin() {
  signalling.open('/conference/conf1/signalling', 'ticket-1')
  peer.last.accept().say(welcome())
  return peer.last
}

/** The line breaks and the next attempt gets through to the resume frame. */
function breakAndReturn() {
  peer.last.drop()
  vi.advanceTimersByTime(times.retryMost)
  return peer.last.accept()
}

test('the ticket goes in the first frame and never in the address', () => {
  signalling.open('/conference/conf1/signalling', 'ticket-1')
  expect(peer.last.url).toBe(`${location.origin.replace(/^http/, 'ws')}/conference/conf1/signalling`)
  expect(peer.last.protocol).toBe('konklave.v1')
  peer.last.accept()
  expect(peer.last.heard).toEqual([{ type: 'hello', ticket: 'ticket-1' }])
})

test('events come once and in order', () => {
  const socket = begin()
  const event = { kind: 'conference.ended', reason: 'host' }
  for (const seq of [10, 11, 11, 14, 12]) socket.say({ type: 'event', seq, event })
  expect(seen).toEqual(['welcome anna fresh', 'event 11 conference.ended', 'event 14 conference.ended'])
})

test('a lost line is taken up where it was', () => {
  begin().say({ type: 'event', seq: 12, event: { kind: 'chat.message', message: message('m', 'ben', 'x') } })
  const socket = breakAndReturn()
  expect(socket.take('resume')).toEqual([{ type: 'resume', token: 'resume-1', epoch: 1, seen: 12 }])
  socket.say(resumed())
  expect(seen).toEqual(['welcome anna fresh', 'event 12 chat.message', 'lost 1', 'resumed media-2'])
})

test('unanswered commands are sent again with their ids, answered ones are not', () => {
  const socket = begin()
  expect(signalling.send(chat('one'))).toBe(1)
  expect(signalling.send(chat('two'))).toBe(2)
  socket.say({ type: 'result', id: 1, seq: 11 }).drop()
  expect(signalling.send(chat('three'))).toBe(3)
  vi.advanceTimersByTime(times.retryMost)
  peer.last.accept()
  expect(peer.last.take('command')).toEqual([])
  peer.last.say(resumed())
  expect(peer.last.take('command').map(frame => [frame.id, frame.command])).toEqual([
    [2, chat('two')],
    [3, chat('three')],
  ])
  peer.last.say({ type: 'result', id: 2, seq: 12 }).say({ type: 'result', id: 2, seq: 12 })
  expect(seen.filter(entry => entry.startsWith('result'))).toEqual(['result 1 ok', 'result 2 ok'])
})

test('a welcome instead of resumed keeps the ids of the session', () => {
  begin()
  signalling.send(chat('one'))
  const socket = breakAndReturn()
  socket.say(welcome({ resume: { token: 'resume-2', windowSeconds: 60 } }))
  expect(socket.take('command').map(frame => frame.id)).toEqual([1])
  expect(seen.at(-1)).toBe('welcome anna same')
})

test('attempts go on until the resume window is over, then a new ticket is needed', () => {
  begin().drop()
  vi.advanceTimersByTime(59_000)
  expect(seen).not.toContain('expired')
  expect(peer.open).toBeLessThanOrEqual(1)
  expect(peer.sockets.length).toBeGreaterThan(8)
  vi.advanceTimersByTime(12_000)
  expect(seen.at(-1)).toBe('expired')
  expect(peer.open).toBe(0)
})

test('ten seconds without network come back by themselves', () => {
  begin().drop()
  for (let waited = 0; waited < 10_000; waited += 500) {
    vi.advanceTimersByTime(500)
    if (peer.last.readyState === 0) peer.last.drop()
  }
  vi.advanceTimersByTime(times.retryMost)
  peer.last.accept().say(resumed())
  expect(seen.at(-1)).toBe('resumed media-2')
})

test('a network that is back is used at once', () => {
  begin().drop()
  const before = peer.sockets.length
  dispatchEvent(new Event('online'))
  expect(peer.sockets.length).toBe(before + 1)
})

describe('liveness', () => {
  test('silence is asked about, and an answer is enough', () => {
    const socket = begin()
    vi.advanceTimersByTime(times.silence - 1)
    expect(socket.take('ping')).toEqual([])
    vi.advanceTimersByTime(1)
    const [ping] = socket.take('ping')
    socket.say({ type: 'pong', nonce: ping?.nonce })
    vi.advanceTimersByTime(times.silence - 1)
    expect(seen).toEqual(['welcome anna fresh'])
  })

  test('no answer is a lost line', () => {
    begin()
    vi.advanceTimersByTime(times.silence + times.pong - 1)
    expect(seen).not.toContain('lost 1')
    vi.advanceTimersByTime(1)
    expect(seen).toContain('lost 1')
  })

  test('after a change of network the answer has to come sooner', () => {
    begin()
    dispatchEvent(new Event('online'))
    vi.advanceTimersByTime(times.pongAfterChange)
    expect(seen).toContain('lost 1')
  })

  test('a WebSocket that never opens is given up', () => {
    begin().drop()
    vi.advanceTimersByTime(times.retryMost)
    const stuck = peer.last
    vi.advanceTimersByTime(times.open + times.retryMost)
    expect(stuck.closedByClient).toBe(true)
    expect(peer.last).not.toBe(stuck)
  })

  test('a server that accepts and says nothing is given up', () => {
    signalling.open('/conference/conf1/signalling', 'ticket-1')
    peer.last.accept()
    vi.advanceTimersByTime(times.open)
    expect(seen).toEqual(['expired'])
  })
})

describe('close codes', () => {
  const goodbye = (code: string) => ({ type: 'goodbye', code, message: '' })
  test.each<[number, string | undefined, Over | string]>([
    [4400, 'protocol.unknown_type', { kind: 'failed', error: { code: 'protocol.unknown_type' } }],
    [1009, undefined, { kind: 'failed', error: { code: 'protocol.malformed' } }],
    [4409, 'session.replaced', { kind: 'replaced' }],
    [4409, undefined, { kind: 'replaced' }],
    [4410, 'conference.ended', { kind: 'ended', code: 'conference.ended' }],
    [4410, 'participant.removed', { kind: 'ended', code: 'participant.removed' }],
    [4410, undefined, { kind: 'ended', code: 'conference.ended' }],
    [4401, 'session.unknown', 'expired'],
    [4408, 'protocol.timeout', 'lost 1'],
    [4503, 'server.unavailable', 'lost 1'],
    [1006, undefined, 'lost 1'],
    [1001, undefined, 'lost 1'],
  ])('%i %s', (code, stable, expected) => {
    const socket = begin()
    if (stable) socket.say(goodbye(stable))
    socket.drop(code)
    if (typeof expected === 'string') {
      expect(seen.at(-1)).toBe(expected)
      expect(overs).toEqual([])
    } else {
      expect(overs).toEqual([expected])
      vi.advanceTimersByTime(120_000)
      expect(peer.sockets.length).toBe(1)
    }
  })

  test('too much is answered by a pause', () => {
    begin().drop(4429)
    vi.advanceTimersByTime(times.pause - 1)
    expect(peer.sockets.length).toBe(1)
    vi.advanceTimersByTime(1)
    expect(peer.sockets.length).toBe(2)
  })

  test('a ticket is never sent twice', () => {
    signalling.open('/conference/conf1/signalling', 'ticket-1')
    peer.last.accept().drop()
    expect(seen).toEqual(['expired'])
    vi.advanceTimersByTime(60_000)
    expect(peer.sockets.length).toBe(1)
  })
})

describe('a hostile server', () => {
  test.each(['nonsense', '{"type":"welcome"}', JSON.stringify({ ...resumed(), extra: 1 })])('%s is final', data => {
    begin().sayRaw(data)
    expect(overs.map(over => over.kind === 'failed' && over.error.code)).toEqual(['protocol.malformed'])
    expect(peer.open).toBe(0)
  })

  test('frames of a socket that was given up are not heard', () => {
    const old = begin()
    breakAndReturn().say(resumed())
    old.say({ type: 'event', seq: 50, event: { kind: 'conference.ended', reason: 'host' } })
    expect(seen.at(-1)).toBe('resumed media-2')
  })
})

test.each([
  [1, 0, 150],
  [1, 1, 300],
  [2, 1, 600],
  [5, 1, 4_000],
  [1_000, 1, 4_000],
  [1_000, 0, 2_000],
])('before attempt %i, by luck %d, there is a pause of %i ms', (attempt, luck, pause) => {
  expect(pauseBefore(attempt, () => luck)).toBe(pause)
})
