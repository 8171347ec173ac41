import { expect, test } from 'vitest'
import { stretches } from './links'

const shape = (text: string) => stretches(text).map(each => (each.href === undefined ? each.text : [each.href]))

test('plain text is one stretch', () => {
  expect(shape('Hello')).toEqual(['Hello'])
  expect(shape('')).toEqual([])
})

test('addresses become links, the punctuation after them does not', () => {
  expect(shape('See https://example.org/a?b=c, or http://x.example.')).toEqual([
    'See ',
    ['https://example.org/a?b=c'],
    ', or ',
    ['http://x.example'],
    '.',
  ])
})

test('the stretches together are the message', () => {
  const text = '(https://example.org/) and https://example.org/2!'
  expect(
    stretches(text)
      .map(each => each.text)
      .join(''),
  ).toBe(text)
})

test.each(['javascript:alert(1)', 'data:text/html,<script>', 'ftp://example.org', 'https://'])(
  'A-61: %s is never a link',
  text => {
    expect(stretches(text).every(each => each.href === undefined)).toBe(true)
  },
)
