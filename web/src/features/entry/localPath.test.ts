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
  ['/join/../account', '/account'],
  ['/.//evil.example/x', '/'],
  ['/..//evil.example', '/'],
  ['/%2e//evil.example', '/'],
  ['/x/..//evil.example', '/'],
  ['/.\\\\evil.example', '/'],
  ['/\t/evil.example', '/'],
  ['/account?next=//evil.example#x', '/account'],
])('after signing in, %j leads to %s', (wish, path) => {
  expect(localPath(wish)).toBe(path)
})
