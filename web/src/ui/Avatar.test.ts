import { expect, test } from 'vitest'
import { initials } from './Avatar'

test.each([
  ['Anna Arendt', 'AA'],
  ['Frieda von und zu Falkenhausen', 'FF'],
  ['  anna ', 'A'],
  ['𝒜nna', '𝒜'],
  ['', ''],
])('the initials of %j are %j', (name, letters) => {
  expect(initials(name)).toBe(letters)
})
