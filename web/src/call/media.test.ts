import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Access, MediaLine } from './media'
import { settled } from './testing/browser'
import { ScriptedRoom } from './testing/room'

let room: ScriptedRoom
let lost: number[]
let failed: unknown[]
let line: MediaLine
const access = (token: string): Access => ({ path: '/conference/c/media', token, codec: 'vp8', ice: [] })

beforeEach(() => {
  vi.useFakeTimers()
  lost = []
  failed = []
  line = new MediaLine(
    async handlers => {
      room = new ScriptedRoom(handlers)
      return room
    },
    {
      changed: () => undefined,
      lost: attempt => lost.push(attempt),
      soundBlocked: () => undefined,
      failed: caught => failed.push(caught),
    },
    () => 1,
  )
})
afterEach(() => {
  line.dispose()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

test('the library is loaded once, and what was asked before happens then', async () => {
  line.with(there => there.wantVideo(false))
  await Promise.all([line.warmUp(), line.warmUp()])
  expect(room.video).toBe(false)
})

test('connects with the access it is given', async () => {
  line.use(access('one'), true)
  await settled()
  expect(room.connects).toEqual([access('one')])
  expect(lost).toEqual([0])
})

test('a standing line only learns a newer token', async () => {
  line.use(access('one'), true)
  await settled()
  line.use(access('two'), false)
  await settled()
  expect(room.connects.length).toBe(1)
  expect(room.tokens).toEqual(['two'])
})

test('a new session connects anew', async () => {
  line.use(access('one'), true)
  await settled()
  line.use(access('two'), true)
  await settled()
  expect(room.connects.map(entry => entry.token)).toEqual(['one', 'two'])
  expect(room.disconnects).toBe(1)
})

test('a line that gave up is connected afresh with the newest token', async () => {
  line.use(access('one'), true)
  await settled()
  line.use(access('two'), false)
  room.handlers.line('reconnecting')
  room.handlers.line('closed')
  expect(lost).toEqual([0, 1, 1])
  await vi.advanceTimersByTimeAsync(300)
  expect(room.connects.map(entry => entry.token)).toEqual(['one', 'two'])
  expect(lost.at(-1)).toBe(0)
})

test('a line that comes back by itself is left alone', async () => {
  line.use(access('one'), true)
  await settled()
  room.handlers.line('reconnecting')
  room.handlers.line('connected')
  expect(lost).toEqual([0, 1, 0])
  expect(room.connects.length).toBe(1)
})

test('failures are told once and tried again, at once when the network is back', async () => {
  await line.warmUp()
  room.failures.push(new Error('first'), new Error('second'), new Error('third'))
  line.use(access('one'), true)
  await settled()
  await vi.advanceTimersByTimeAsync(300)
  expect(lost).toEqual([1, 2])
  expect(failed.length).toBe(1)
  dispatchEvent(new Event('online'))
  await settled()
  expect(room.connects.length).toBe(3)
  await vi.advanceTimersByTimeAsync(1_200)
  expect(lost).toEqual([1, 2, 3, 0])
})

test('stopped, it stays so', async () => {
  await line.warmUp()
  room.failures.push(new Error('first'))
  line.use(access('one'), true)
  await settled()
  await line.stop()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(room.connects.length).toBe(1)
  room.handlers.line('closed')
  expect(lost).toEqual([1])
})

test('a library that cannot be loaded is fetched again', async () => {
  let tries = 0
  const stubborn = new MediaLine(
    async handlers => {
      if (tries++ === 0) throw new Error('offline')
      room = new ScriptedRoom(handlers)
      return room
    },
    {
      changed: () => undefined,
      lost: attempt => lost.push(attempt),
      soundBlocked: () => undefined,
      failed: () => undefined,
    },
    () => 1,
  )
  stubborn.use(access('one'), true)
  await vi.advanceTimersByTimeAsync(300)
  expect(lost).toEqual([1, 0])
  stubborn.dispose()
})
