import { act, cleanup, fireEvent, screen, waitFor } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { api } from '../../api/client'
import { App } from '../../app/App'
import { show } from '../../testing/render'

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
  history.replaceState(null, '', '/')
})

const refused = 'Your account cannot be used from this network'
const provider = { id: 'amt', label: 'Amt', asks: 'redirect' }

/** Opens the client at an address as a server plays that refuses the account from here until it is signed out. */
async function open(address: string) {
  const server = { denies: true, elsewhere: undefined as string | undefined }
  const denied = () => ({
    error: { code: 'network.denied', id: 'e1' },
    response: new Response(null, { status: 403 }),
  })
  const get = vi.spyOn(api, 'GET').mockImplementation((async (path: string) => {
    if (server.denies) return denied()
    const answers: Readonly<Record<string, unknown>> = {
      '/api/v1/instance': { providers: [provider], setupNeeded: false },
      '/api/v1/join/{link}': { title: 'Council', host: 'Bert', guestsAllowed: true, running: false },
    }
    return { data: answers[path] ?? {}, response: new Response() }
  }) as never)
  vi.spyOn(api, 'DELETE').mockImplementation((async () => {
    server.denies = false
    return { data: { address: server.elsewhere }, response: new Response() }
  }) as never)
  const leave = vi.spyOn(location, 'assign').mockReturnValue(undefined)
  history.replaceState(null, '', address)
  await act(async () => show(<App />)) // the parts of the client come with it
  return { server, get, leave }
}

const button = (name: string) => screen.findByRole('button', { name })
const page = (name: string) => screen.findByRole('heading', { level: 1, name })

test.each(['/', '/signin', '/account', '/join/abc'])(
  'at %s one reads why it does not go on, and what to do',
  async at => {
    await open(at)
    expect(await page(refused)).toBeTruthy()
    expect(screen.getByText(/Connect to one of them and try again/)).toBeTruthy()
    expect(screen.getByText('network.denied')).toBeTruthy()
    expect(await button('Sign out')).toBeTruthy()
    expect(await button('Sign in with another account')).toBeTruthy()
  },
)

test('who signs out goes on where he was, as nobody', async () => {
  await open('/')
  fireEvent.click(await button('Sign out'))
  expect(await page('Video meetings for public authorities')).toBeTruthy()
  expect(screen.queryByText(refused)).toBeNull()
})

test.each([
  ['/', '?again=1'],
  ['/join/abc', '?again=1&next=%2Fjoin%2Fabc'],
  ['/signin?next=%2Faudit', '?again=1&next=%2Faudit'],
])('from %s another account signs in, at a provider too, and comes back', async (at, search) => {
  const { get } = await open(at)
  fireEvent.click(await button('Sign in with another account'))
  expect(await page('Sign in')).toBeTruthy()
  expect(location.pathname + location.search).toBe(`/signin${search}`)
  fireEvent.click(await button('Sign in with Amt'))
  const next = new URLSearchParams(search).get('next') ?? '/'
  await waitFor(() =>
    expect(get).toHaveBeenCalledWith('/api/v1/providers/{provider}/sign-in', {
      params: { path: { provider: 'amt' }, query: { next, again: true } },
    }),
  )
})

test('whose provider has to be told is led there', async () => {
  const { server, leave } = await open('/')
  server.elsewhere = 'https://amt.example/logout'
  fireEvent.click(await button('Sign out'))
  await waitFor(() => expect(leave).toHaveBeenCalledWith('https://amt.example/logout'))
})

test('trying again from the same network is answered, and from another one goes on', async () => {
  const { server } = await open('/')
  fireEvent.click(await button('Try again'))
  expect(await screen.findAllByText('You are still in none of these networks.')).not.toEqual([])
  server.denies = false
  fireEvent.click(await button('Try again'))
  expect(await page('Video meetings for public authorities')).toBeTruthy()
})

test('what is shown once at set-up stays', async () => {
  const { get } = await open('/setup')
  expect(await page('This set-up link is not valid')).toBeTruthy()
  expect(get).toHaveBeenCalledWith('/api/v1/session')
  expect(screen.queryByText(refused)).toBeNull()
})
