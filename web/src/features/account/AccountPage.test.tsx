import { cleanup, fireEvent, screen, within } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { api } from '../../api/client'
import { SessionProvider } from '../../api/session'
import { show } from '../../testing/render'
import { AccountPage } from './AccountPage'

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

function open(...roles: readonly string[]) {
  const user = { id: 'u', name: 'Anna', email: 'anna@example.org', roles, language: 'en' }
  vi.spyOn(api, 'GET').mockImplementation((async (path: string) => ({
    data: path === '/api/v1/session' ? { user } : { items: [], recoveryCodes: 0 },
    response: new Response(),
  })) as never)
  show(
    <SessionProvider>
      <AccountPage />
    </SessionProvider>,
  )
}

test.each([
  ['whoever has an account', ['user']],
  ['who looks after the accounts of others', ['user', 'user_admin']],
])('the links at the top lead %s to every section, in its order', async (_, roles) => {
  open(...roles)
  const contents = within(await screen.findByRole('navigation', { name: 'On this page' }))
  const headings = screen.getAllByRole('heading', { level: 2 })
  const links = contents.getAllByRole('link')
  expect(links.map(each => each.textContent)).toEqual(headings.map(each => each.textContent))
  for (const [i, link] of links.entries()) {
    expect(link.getAttribute('href')).toBe(`#${headings[i]?.id}`)
    fireEvent.click(link)
    expect(document.activeElement).toBe(headings[i])
  }
})
