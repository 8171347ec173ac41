import { act, cleanup, fireEvent, screen, within } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ChatMessage } from '../../call/types'
import { fakeCall, participant } from '../../testing/fakeCall'
import { show } from '../../testing/render'
import { Banners, longLoss } from './Banners'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  cleanup()
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const reload = () => screen.queryByRole('button', { name: 'Reload page' })
const told = (words: RegExp) => within(screen.getByRole('status')).queryByText(words)
const wait = (milliseconds: number) => act(() => vi.advanceTimersByTime(milliseconds))

function lose(chat: readonly ChatMessage[] = []) {
  const call = fakeCall({ chat, participants: [participant('anna', { isSelf: true }), participant('ben')] })
  show(<Banners call={call} snapshot={call.getSnapshot()} lost="both" address="https://k.example.org/join/abc" />)
}

test('while the line is lost one is asked to stay; a reload is offered when that lasts', () => {
  lose()
  wait(longLoss - 1)
  expect(screen.getByText(/Please stay here/)).toBeDefined()
  expect(reload()).toBeNull()
  wait(1)
  expect(reload()).not.toBeNull()
  expect(told(/not back yet/)).not.toBeNull()
  expect(screen.queryByText(/are lost with a reload/)).toBeNull()
})

test('whoever has written meanwhile learns what a reload costs', () => {
  lose([{ id: 'm', from: 'anna', name: 'Anna', text: 'Hello', at: '2026-01-01T10:00:00.000Z', pending: true }])
  wait(longLoss)
  expect(told(/are lost with a reload/)).not.toBeNull()
})

test('without a network no reload is offered, until the network is back', () => {
  const network = vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false)
  lose()
  wait(longLoss)
  expect(told(/your device has no network/i)).not.toBeNull()
  expect(reload()).toBeNull()
  network.mockReturnValue(true)
  fireEvent(window, new Event('online'))
  expect(reload()).not.toBeNull()
})
