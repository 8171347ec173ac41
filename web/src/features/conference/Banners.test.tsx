import { act, cleanup, fireEvent, screen, within } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ChatMessage } from '../../call/types'
import { fakeCall, participant } from '../../testing/fakeCall'
import { show, surrounded } from '../../testing/render'
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
  const page = (lost?: 'both', stage = true) => (
    <>
      {stage && <section id="stage" aria-label="stage" tabIndex={-1} />}
      <Banners call={call} snapshot={call.getSnapshot()} lost={lost} address="https://k.example.org/join/abc" />
      <div id="controls" role="toolbar" tabIndex={-1} />
    </>
  )
  const { rerender } = show(page('both'))
  return {
    comesBack: () => rerender(surrounded(page())),
    losesStage: () => rerender(surrounded(page('both', false))),
  }
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
  expect(told(/The button for it is above/)).not.toBeNull()
})

test('the reload is told when it comes, and when it goes with the network', () => {
  const network = vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(true)
  lose()
  wait(longLoss - 1)
  expect(told(/The button for it is above/)).toBeNull()
  wait(1)
  expect(told(/reload the page.* The button for it is above/)).not.toBeNull()
  network.mockReturnValue(false)
  fireEvent(window, new Event('offline'))
  expect(reload()).toBeNull()
  expect(told(/your device has no network/i)).not.toBeNull()
})

test('the focus on the reload goes to the stage when the line is back', () => {
  const { comesBack } = lose()
  wait(longLoss)
  reload()?.focus()
  expect(document.activeElement).toBe(reload())
  comesBack()
  expect(reload()).toBeNull()
  expect(document.activeElement?.id).toBe('stage')
})

test('the focus on the reload goes to the bar where there is no stage to enter', () => {
  const network = vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(true)
  const { losesStage } = lose()
  wait(longLoss)
  losesStage()
  reload()?.focus()
  network.mockReturnValue(false)
  fireEvent(window, new Event('offline'))
  expect(reload()).toBeNull()
  expect(document.activeElement?.id).toBe('controls')
})

test('a focus elsewhere stays where it is', () => {
  const { comesBack } = lose()
  wait(longLoss)
  screen.getByRole('toolbar').focus()
  comesBack()
  expect(document.activeElement?.id).toBe('controls')
})
