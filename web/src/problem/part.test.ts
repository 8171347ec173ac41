import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { fetchPart, MissingPart, secondTry } from './part'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

test('a part that comes is asked for once', async () => {
  const load = vi.fn(async () => 'page')
  expect(await fetchPart(load)).toBe('page')
  expect(load).toHaveBeenCalledTimes(1)
})

test('a part that did not come is asked for once more, after a pause', async () => {
  const load = vi.fn(async () => 'page').mockRejectedValueOnce(new TypeError('offline'))
  const part = fetchPart(load)
  await vi.advanceTimersByTimeAsync(secondTry - 1)
  expect(load).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(await part).toBe('page')
})

test('a part that does not come either time is missing', async () => {
  const load = vi.fn(() => Promise.reject(new TypeError('not found')))
  const part = expect(fetchPart(load)).rejects.toBeInstanceOf(MissingPart)
  await vi.advanceTimersByTimeAsync(10 * secondTry)
  await part
  expect(load).toHaveBeenCalledTimes(2)
})
