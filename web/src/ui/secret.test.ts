import { expect, test } from 'vitest'
import { groups } from './secret'

test.each([
  ['', []],
  ['ABC', ['ABC']],
  ['ABCD', ['ABCD']],
  ['ABCDEFGHIJ', ['ABCD', 'EFGH', 'IJ']],
])('%j in groups of four', (text, parts) => {
  expect(groups(text, 4)).toEqual(parts)
})
