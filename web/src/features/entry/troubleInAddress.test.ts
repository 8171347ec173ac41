import { expect, test } from 'vitest'
import { troubleInAddress } from './troubleInAddress'

test('a code and an id are taken from the address', () => {
  expect(troubleInAddress('?problem=auth.provider_refused&id=0a-Z_9')).toEqual({
    code: 'auth.provider_refused',
    id: '0a-Z_9',
  })
  expect(troubleInAddress('?problem=internal')).toEqual({ code: 'internal', id: undefined })
})

test('what is no code or no id is not shown', () => {
  for (const search of ['', '?id=1', '?problem=', '?problem=Call+us', '?problem=a.b.c', '?problem=%3Cb%3E']) {
    expect(troubleInAddress(search), search).toBeUndefined()
  }
  expect(troubleInAddress('?problem=internal&id=call%20us')).toEqual({ code: 'internal', id: undefined })
  expect(troubleInAddress(`?problem=internal&id=${'a'.repeat(65)}`)?.id).toBeUndefined()
  expect(troubleInAddress(`?problem=${'a'.repeat(31)}`)).toBeUndefined()
})
