import { cleanup, screen } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { BrokenCall } from '../features/join/BrokenCall'
import { MissingPart } from '../problem/part'
import { fakeCall } from '../testing/fakeCall'
import { show } from '../testing/render'
import { Boundary } from './Boundary'

afterEach(cleanup)

function Faulty({ error }: { readonly error: Error }): null {
  throw error
}

/** React writes what a boundary catches to the console, too. */
function showFaulty(error: Error, call = fakeCall()) {
  vi.spyOn(console, 'error').mockReturnValue()
  show(
    <Boundary fallback={caught => <BrokenCall call={call} caught={caught} />}>
      <Faulty error={error} />
    </Boundary>,
  )
  return call
}

test.each([
  [new MissingPart('gone'), 'This page could not be loaded completely'],
  [new Error('a mistake of ours'), 'Something went wrong on this page'],
])('what went wrong is told where the conference should be, and the call goes on: %s', (error, title) => {
  const call = showFaulty(error)
  expect(screen.getByRole('heading', { level: 1 }).textContent).toBe(title)
  expect(screen.getByText(/You are still in the meeting/)).toBeTruthy()
  expect(screen.getByRole('button', { name: 'Reload page' })).toBeTruthy()
  expect(call.asked).toEqual([])
})

test('there one can be silent and leave', () => {
  const call = showFaulty(new MissingPart('gone'), fakeCall({ microphone: { kind: 'on', deviceId: 'x' } }))
  const microphone = screen.getByRole('button', { name: 'Microphone', pressed: true })
  microphone.click()
  screen.getByRole('button', { name: 'Leave' }).click()
  expect(call.asked).toEqual(['setMicrophone false', 'leave'])
})
