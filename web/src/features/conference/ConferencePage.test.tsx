import { act, cleanup, fireEvent, screen, within } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ChatMessage } from '../../call/types'
import { type FakeCall, fakeCall, participant } from '../../testing/fakeCall'
import { show, surrounded } from '../../testing/render'
import { ConferencePage } from './ConferencePage'
import { settles } from './notices'

beforeEach(() => {
  // A wide window, and an area for the stage: the test environment lays nothing out.
  vi.stubGlobal('matchMedia', (query: string) => ({
    matches: query.includes('min-width'),
    addEventListener: vi.fn(),
    removeEventListener: vi.fn(),
  }))
  vi.spyOn(Element.prototype, 'getBoundingClientRect').mockReturnValue(new DOMRect(0, 0, 1200, 700))
})

afterEach(() => {
  cleanup()
  vi.useRealTimers()
  vi.unstubAllGlobals()
  localStorage.clear()
})

function open(call: FakeCall = fakeCall()): FakeCall {
  show(<ConferencePage call={call} address="https://k.example.org/join/abc" />)
  return call
}

const button = (name: string) => screen.getByRole('button', { name })

const message = (id: string, from: string): ChatMessage => ({
  id,
  from,
  name: from,
  text: `text of ${id}`,
  at: '2026-01-01T10:00:00.000Z',
})

test('the name of a toggle stays; its state is in aria-pressed, what a press does in the tooltip', () => {
  const call = open()
  const microphone = button('Microphone')
  expect(microphone.getAttribute('aria-pressed')).toBe('false')
  expect(microphone.title).toBe('Turn the microphone on (M)')
  fireEvent.click(microphone)
  expect(call.asked).toEqual(['setMicrophone true'])
  act(() => call.show({ microphone: { kind: 'on', deviceId: 'x' } }))
  expect(button('Microphone').getAttribute('aria-pressed')).toBe('true')
  expect(button('Microphone').title).toBe('Turn the microphone off (M)')
})

test.each([
  [{ kind: 'starting' }, 'starting'],
  [{ kind: 'failed', error: { code: 'device.in_use' } }, 'failed'],
] as const)('a camera that is neither on nor off says so: %j', (camera, words) => {
  open(fakeCall({ camera }))
  const described = button('Camera').getAttribute('aria-describedby') ?? ''
  expect(document.getElementById(described)?.textContent).toBe(words)
})

test('letters run commands, but not while somebody types', () => {
  const call = open()
  fireEvent.keyDown(document.body, { key: 'v' })
  expect(call.asked).toEqual(['setCamera true'])
  fireEvent.keyDown(document.body, { key: 'c' })
  const field = screen.getByLabelText('Message')
  fireEvent.keyDown(field, { key: 'm' })
  fireEvent.keyDown(document.body, { key: 'm', ctrlKey: true })
  expect(call.asked).toEqual(['setCamera true'])
})

test('letters do nothing after they were switched off', () => {
  const call = open()
  fireEvent.keyDown(document.body, { key: '?' })
  fireEvent.click(screen.getByRole('switch', { name: 'Single letters run commands' }))
  fireEvent.click(button('Close'))
  fireEvent.keyDown(document.body, { key: 'm' })
  expect(call.asked).toEqual([])
})

test('messages of others count as unread until the chat is opened', () => {
  const call = open(fakeCall({ chat: [message('old', 'ben')] }))
  act(() => call.show({ chat: [message('old', 'ben'), message('new', 'ben'), message('own', 'anna')] }))
  expect(button('Chat').textContent).toContain('1 unread')
  fireEvent.click(button('Chat'))
  expect(button('Chat').textContent).not.toContain('unread')
  expect(screen.getByText('text of new')).toBeDefined()
})

test('a message is sent with Enter, a new line is begun with Shift and Enter', () => {
  const call = open()
  fireEvent.click(button('Chat'))
  const field = screen.getByLabelText('Message')
  fireEvent.change(field, { target: { value: '  Hello  ' } })
  fireEvent.keyDown(field, { key: 'Enter', shiftKey: true })
  expect(call.asked).toEqual([])
  fireEvent.keyDown(field, { key: 'Enter' })
  expect(call.asked).toEqual(['sendChat "Hello"'])
})

test.each([
  [4_000, ['sendChat']],
  [4_001, []],
])('a message of %d characters', (length, asked) => {
  const call = open()
  fireEvent.click(button('Chat'))
  const field = screen.getByLabelText('Message')
  fireEvent.change(field, { target: { value: 'ä'.repeat(length) } })
  fireEvent.keyDown(field, { key: 'Enter' })
  expect(call.asked.map(each => each.split(' ')[0])).toEqual(asked)
})

test('A-61: what people write is text', () => {
  open(fakeCall({ chat: [{ ...message('m', 'ben'), text: '<img src=x onerror=alert(1)>', name: '<b>ben</b>' }] }))
  fireEvent.click(button('Chat'))
  expect(screen.getByText('<img src=x onerror=alert(1)>')).toBeDefined()
  expect(document.querySelector('img, b')).toBeNull()
})

test('a failed message says why and can be sent again', () => {
  const call = open(fakeCall({ chat: [{ ...message('m', 'anna'), failed: { code: 'rate.limited' } }] }))
  fireEvent.click(button('Chat'))
  fireEvent.click(button('Try again'))
  expect(call.asked).toEqual(['retryChat "m"'])
})

test('the host is asked, with the focus on the safe answer', () => {
  const call = open()
  fireEvent.click(button('Leave'))
  expect(document.activeElement?.textContent).toBe('Stay')
  fireEvent.click(button('End for everyone'))
  expect(call.asked).toEqual(['endForAll'])
})

test('others leave at once', () => {
  const call = open(fakeCall({ participants: [participant('anna', { isSelf: true })] }))
  fireEvent.click(button('Leave'))
  expect(call.asked).toEqual(['leave'])
})

test('sharing asks how, stopping does not', () => {
  const call = open()
  fireEvent.click(button('Share screen'))
  fireEvent.click(screen.getByRole('switch', { name: 'Share sound too' }))
  fireEvent.click(button('Start sharing'))
  expect(call.asked).toEqual(['shareScreen {"audio":true,"hint":"detail"}'])
  act(() => call.show({ screen: { kind: 'on', deviceId: 'x' } }))
  fireEvent.click(button('Share screen'))
  expect(call.asked.at(-1)).toBe('stopScreen')
})

test('while one shares, that is said above the stage, with the way to stop', () => {
  const call = open(fakeCall({ screen: { kind: 'on', deviceId: 'x' } }))
  expect(screen.getByText('The others see your screen.')).toBeDefined()
  fireEvent.click(button('Stop sharing'))
  expect(call.asked).toEqual(['stopScreen'])
})

test('tiles say whose they are, and one can be pinned', () => {
  open(fakeCall({ participants: [participant('anna', { isSelf: true }), participant('ben', { screen: true })] }))
  const tiles = [...document.querySelectorAll<HTMLElement>('[data-participant]')]
  expect(tiles.map(tile => [tile.dataset['participant'], tile.dataset['source']])).toEqual([
    ['anna', 'camera'],
    ['ben', 'screen'],
    ['ben', 'camera'],
  ])
  const pin = button('Pin ben')
  fireEvent.click(pin)
  expect(pin.getAttribute('aria-pressed')).toBe('true')
})

const lose = (call: FakeCall, what: 'signalling' | 'media' | 'both') =>
  act(() => call.show({ phase: { kind: 'reconnecting', what, attempt: 1 } }))
const wait = (milliseconds: number) => act(() => vi.advanceTimersByTime(milliseconds))

test('a lost line is shown and told, with what still works, and so is its return', () => {
  vi.useFakeTimers()
  const call = open()
  lose(call, 'both')
  expect(screen.getAllByText(/your messages are sent afterwards/)).toHaveLength(2)
  lose(call, 'media')
  wait(settles)
  expect(within(screen.getByRole('main')).getByText(/The chat works/)).toBeDefined()
  expect(within(screen.getByRole('status')).getByText(/The chat works/)).toBeDefined()
  act(() => call.show({ phase: { kind: 'live' } }))
  expect(within(screen.getByRole('main')).queryByText(/The chat works/)).toBeNull()
  expect(within(screen.getByRole('status')).getByText('You are connected again.')).toBeDefined()
})

test('lines that go and come close together are told of once', () => {
  vi.useFakeTimers()
  const call = open()
  lose(call, 'signalling')
  lose(call, 'both')
  wait(settles - 1)
  lose(call, 'signalling')
  wait(10 * settles)
  expect(within(screen.getByRole('status')).getAllByText(/being restored/)).toHaveLength(1)
  expect(within(screen.getByRole('main')).getByText(/Sound and video may go on/)).toBeDefined()
})

test('while the line of the media is lost nobody seems to speak, and the meter stands still', () => {
  vi.useFakeTimers()
  const call = open(fakeCall({ participants: [participant('ben', { speaking: true })] }))
  act(() => call.show({ microphone: { kind: 'on', deviceId: 'x' } }))
  const moving = () => document.querySelectorAll('[data-speaking=true], [data-level]').length
  expect(moving()).toBe(2)
  lose(call, 'signalling')
  wait(settles)
  expect(moving()).toBe(2)
  lose(call, 'both')
  wait(settles)
  expect(moving()).toBe(0)
})

test('whoever is alone is told so, with the link for the others', () => {
  const call = open()
  expect(screen.getByText('Nobody else is here yet.')).toBeDefined()
  expect(button('Copy invitation link')).toBeDefined()
  act(() => call.show({ participants: [participant('anna', { isSelf: true }), participant('ben')] }))
  expect(screen.queryByText('Nobody else is here yet.')).toBeNull()
})

test('the layout control shows all again when one was pinned', () => {
  open(fakeCall({ participants: [participant('anna', { isSelf: true }), participant('ben')] }))
  fireEvent.click(button('Pin ben'))
  expect(button('Layout').title).toBe('Show all in the same size (L)')
  fireEvent.click(button('Layout'))
  expect(button('Pin ben').getAttribute('aria-pressed')).toBe('false')
  expect(button('Layout').title).toBe('Show who speaks in large (L)')
})

test('what the conference had to tell does not outlive it', () => {
  const call = fakeCall()
  const { rerender } = show(<ConferencePage call={call} address="https://k.example.org/join/abc" />)
  act(() => call.tell({ kind: 'error', error: { code: 'media.failed' } }))
  expect(screen.getAllByText(/could not be connected/)).toHaveLength(2)
  rerender(surrounded(null))
  expect(screen.getAllByText(/could not be connected/)).toHaveLength(1)
})

test('what it leaves open is still told after it', () => {
  const call = fakeCall()
  const { rerender } = show(<ConferencePage call={call} address="https://k.example.org/join/abc" />)
  act(() => call.tell({ kind: 'error', error: { code: 'end.unanswered' } }))
  rerender(surrounded(null))
  expect(screen.getAllByText(/Whether the meeting was ended for everyone is not known/)).toHaveLength(2)
})

test('joins are shown and told, messages only told', () => {
  const call = open()
  act(() => call.tell({ kind: 'joined', name: 'Ben' }))
  expect(screen.getAllByText('Ben has joined.')).toHaveLength(2)
  act(() => call.tell({ kind: 'message', message: message('m', 'ben') }))
  expect(screen.getAllByText('ben writes: text of m')).toHaveLength(1)
})

test('the bar is one tab stop', () => {
  open()
  const tools = [...document.querySelectorAll<HTMLElement>('[data-tool]')]
  expect(tools.filter(tool => tool.tabIndex === 0)).toHaveLength(1)
  expect(tools.map(tool => tool.dataset['tool'])).toEqual([
    'microphone',
    'camera',
    'share',
    'chat',
    'people',
    'layout',
    'settings',
    'more',
    'leave',
  ])
})

test('F6 goes round stage, controls and panel', () => {
  open()
  fireEvent.click(button('People'))
  const region = () => document.activeElement?.closest('#stage, #controls, #panel')?.id
  expect(region()).toBe('panel')
  const visited = ['', '', ''].map(() => {
    fireEvent.keyDown(document.activeElement ?? document.body, { key: 'F6' })
    return region()
  })
  expect(visited).toEqual(['stage', 'controls', 'panel'])
})

test('Escape closes the panel and gives the focus back', () => {
  open()
  fireEvent.click(button('People'))
  fireEvent.keyDown(document.activeElement ?? document.body, { key: 'Escape' })
  expect(screen.queryByRole('list', { name: 'People' })).toBeNull()
  expect(document.activeElement).toBe(button('People'))
})
