import { cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { api } from '../../api/client'
import { SessionProvider } from '../../api/session'
import { show } from '../../testing/render'
import { DamagedPage } from './DamagedPage'

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

const anna = { id: 'u', name: 'Anna', email: 'anna@example.org', roles: ['user'], language: 'en' }
const council = { title: 'Council', host: 'Bert', guestsAllowed: true, running: false }

/** Shows the page to somebody whom the server names the meeting to, or not. */
function open({ user, meeting }: { user?: typeof anna; meeting?: string }) {
  vi.spyOn(api, 'GET').mockImplementation((async (path: string) => ({
    data: path === '/api/v1/session' ? { ...(user && { user }) } : { ...council, ...(meeting && { meeting }) },
    response: new Response(),
  })) as never)
  const onAgain = vi.fn()
  show(
    <SessionProvider>
      <DamagedPage link="abc" trouble={{ code: 'journal.corrupt', id: 'e1' }} onAgain={onAgain} />
    </SessionProvider>,
  )
  return onAgain
}

const button = (name: string | RegExp) => screen.findByRole('button', { name })
const damaged = () => screen.findByRole('heading', { name: 'This meeting cannot go on' })

test('who is named the meeting can close what is damaged, after reading what is lost, and join again', async () => {
  const close = vi.spyOn(api, 'DELETE').mockResolvedValue({ response: new Response() } as never)
  const onAgain = open({ user: anna, meeting: 'm1' })
  fireEvent.click(await button('Put aside and start afresh …'))
  expect(screen.getByText(/The chat of “Council” so far .* do not come back/)).toBeTruthy()
  expect(document.activeElement).toBe(await button('Cancel'))
  expect(close).not.toHaveBeenCalled()
  fireEvent.click(await button('Put aside and start afresh'))
  await waitFor(() => expect(onAgain).toHaveBeenCalledTimes(1))
  expect(close).toHaveBeenCalledWith('/api/v1/meetings/{id}/conference', { params: { path: { id: 'm1' } } })
})

test('a refusal is said where one asked, and one stays', async () => {
  const error = { code: 'journal.sound', id: 'e2' }
  vi.spyOn(api, 'DELETE').mockResolvedValue({ error, response: new Response(null, { status: 409 }) } as never)
  const onAgain = open({ user: anna, meeting: 'm1' })
  fireEvent.click(await button('Put aside and start afresh …'))
  fireEvent.click(await button('Put aside and start afresh'))
  expect((await screen.findByRole('alert')).textContent).toContain('is in order')
  expect(onAgain).not.toHaveBeenCalled()
})

test.each([
  ['guests', {}, /Did you create it/],
  ['people whom it is not named to', { user: anna }, /Please tell the person who invited you/],
])('%s are told who can', async (_, who, advice) => {
  open(who)
  expect(await damaged()).toBeTruthy()
  expect(await screen.findByText(advice)).toBeTruthy()
  expect(screen.getByText(/The person who created it or an administrator can close it/)).toBeTruthy()
  expect(screen.queryByRole('button', { name: /start afresh/ })).toBeNull()
  expect(within(screen.getByRole('main')).queryByRole('link', { name: 'Sign in' }) !== null).toBe(!('user' in who))
})

test('before it is known who asks, nobody is given the advice for another', async () => {
  const answer: Record<string, (told: unknown) => void> = {}
  vi.spyOn(api, 'GET').mockImplementation(
    ((path: string) =>
      new Promise(resolve => {
        answer[path] = told => resolve({ data: told, response: new Response() })
      })) as never,
  )
  show(
    <SessionProvider>
      <DamagedPage link="abc" trouble={{ code: 'journal.corrupt', id: 'e1' }} onAgain={vi.fn()} />
    </SessionProvider>,
  )
  const silent = () => {
    expect(screen.queryByText(/Did you create it|Please tell the person/)).toBeNull()
    expect(within(screen.getByRole('main')).queryByRole('link', { name: 'Sign in' })).toBeNull()
  }
  expect(await damaged()).toBeTruthy()
  silent()
  answer['/api/v1/session']?.({ user: anna })
  await screen.findByRole('link', { name: 'Anna' })
  silent()
  answer['/api/v1/join/{link}']?.(council)
  expect(await screen.findByText(/Please tell the person who invited you/)).toBeTruthy()
})

test('where it cannot be learnt who asks, that is said', async () => {
  vi.spyOn(api, 'GET').mockRejectedValue(new Error('no line'))
  show(
    <SessionProvider>
      <DamagedPage link="abc" trouble={{ code: 'journal.corrupt', id: 'e1' }} onAgain={vi.fn()} />
    </SessionProvider>,
  )
  expect(await screen.findByText(/The server does not answer right now/)).toBeTruthy()
  expect(screen.queryByText(/Did you create it/)).toBeNull()
})
