import { expect, test } from 'vitest'
import { secondInAddress } from './secondInAddress'

const written = (value: unknown) =>
  `#second=${btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')}`

test('reads what is wanted', () => {
  const wanted = { challenge: 'ü?>~', kinds: ['passkey', 'totp', 'recovery_code'], passkey: '{"challenge":"x"}' }
  expect(secondInAddress(written(wanted))).toEqual(wanted)
  expect(secondInAddress(written({ challenge: 'a', kinds: ['totp'] }))).toEqual({ challenge: 'a', kinds: ['totp'] })
})

test.each([
  ['nothing', ''],
  ['another fragment', '#top'],
  ['no base64', '#second=a'],
  ['no JSON', '#second=YWJj'],
  ['no object', written(null)],
  ['no challenge', written({ kinds: ['totp'] })],
  ['an unknown kind', written({ challenge: 'a', kinds: ['word'] })],
  ['the password, which a link must not ask for', written({ challenge: 'a', kinds: ['password'] })],
  ['a passkey that is no text', written({ challenge: 'a', kinds: ['passkey'], passkey: {} })],
  ['too much', written({ challenge: 'a'.repeat(16384), kinds: ['totp'] })],
])('passes over %s', (_, hash) => {
  expect(secondInAddress(hash)).toBeUndefined()
})
