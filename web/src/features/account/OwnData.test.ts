import { expect, test } from 'vitest'
import { isComplete } from './OwnData'

test('an export says itself whether it is complete', () => {
  expect(isComplete('{"version":1,"complete":true}')).toBe(true)
  expect(isComplete('{"version":1,"complete":false}')).toBe(false)
  expect(isComplete('{"version":1}')).toBe(false)
})

test('an export that was cut off is none', () => {
  expect(() => isComplete('{"version":1,"log":[{"num')).toThrow()
})
