import { expect, test } from 'vitest'
import { linkIn } from './link'

test.each([
  ['https://k.example.org/join/abc-123', 'abc-123'],
  ['  http://localhost:8080/join/abc?x=1#y ', 'abc'],
  ['/join/abc', 'abc'],
  ['abc_DEF-1', 'abc_DEF-1'],
  ['Please join: https://k.example.org/join/abc', 'abc'],
  ['', undefined],
  ['two words', undefined],
  ['https://k.example.org/', undefined],
  ['https://k.example.org/join/<b>', undefined],
  ['a'.repeat(64), 'a'.repeat(64)],
  ['a'.repeat(65), undefined],
])('in %j the link is %j', (text, link) => {
  expect(linkIn(text)).toBe(link)
})
