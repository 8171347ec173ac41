import { expect, test } from 'vitest'
import { localPath } from './localPath'

test.each([
  ['/join/abc', '/join/abc'],
  ['/account', '/account'],
  [null, '/'],
  ['', '/'],
  ['account', '/'],
  ['//evil.example/x', '/'],
  ['/\\evil.example', '/'],
  ['https://evil.example/', '/'],
  ['javascript:alert(1)', '/'],
])('after signing in, %j leads to %s', (wish, path) => {
  expect(localPath(wish)).toBe(path)
})
