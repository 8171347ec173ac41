import { cleanup, fireEvent, screen } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { api, type Finding } from '../../api/client'
import { show } from '../../testing/render'
import { FindingList } from './FindingsPage'

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

const travel: Finding = {
  id: 'f1',
  at: '2026-11-22T09:00:00.000Z',
  kind: 'travel.impossible',
  severity: 'alarm',
  state: 'open',
  version: 'open',
  userId: 'u1',
  evidence: {
    entries: ['e1', 'e2'],
    sources: ['198.51.100.0/24'],
    countries: ['JP', 'DE'],
    kilometres: 8900,
    minutes: 60,
  },
}

const anna = {
  id: 'u1',
  name: 'Anna',
  email: 'anna@example.org',
  roles: ['user'],
  language: 'en',
  createdAt: travel.at,
}

/** Answers with a finding. */
function answer(found: Finding) {
  vi.spyOn(api, 'GET').mockImplementation((async (path: string) => {
    const one = { ...found, numbers: [4711, -1] }
    const items = path === '/api/v1/users' ? [anna] : [found]
    return { data: path === '/api/v1/findings/{id}' ? one : { items }, response: new Response() }
  }) as never)
}

function open(found: Finding, handles: boolean) {
  answer(found)
  show(<FindingList unlocks={false} handles={handles} />)
}

test('a finding says what it means, what to do, and what it rests on', async () => {
  open(travel, false)
  expect(await screen.findByRole('heading', { name: /two places/ })).toBeTruthy()
  expect(screen.getByText('Alarm')).toBeTruthy()
  expect(screen.getByText('Open')).toBeTruthy()
  expect(screen.getByText(/disable the account when in doubt/)).toBeTruthy()
  expect(screen.getByText(/Anna, anna@example.org/)).toBeTruthy()
  expect(screen.getByText('Country: Japan ← Germany')).toBeTruthy()
  expect(screen.getByText('At least 8900 km in 60 minutes')).toBeTruthy()
  expect(screen.queryByRole('button', { name: 'Take it up' })).toBeNull()
  const details = screen.getByText('Evidence').closest('details')
  details?.setAttribute('open', '')
  fireEvent(details as Element, new Event('toggle'))
  expect(await screen.findByText(/No. 4711/)).toBeTruthy()
  expect(screen.queryByText(/No. -1/)).toBeNull()
})

test('who may closes it with a note', async () => {
  open(travel, true)
  const changed = vi.spyOn(api, 'PATCH').mockResolvedValue({ data: travel, response: new Response() } as never)
  fireEvent.click(await screen.findByRole('button', { name: 'Close …' }))
  fireEvent.change(screen.getByRole('textbox', { name: 'What was it?' }), { target: { value: 'A journey' } })
  fireEvent.click(screen.getByRole('button', { name: 'Close it' }))
  expect(await screen.findByRole('button', { name: 'Take it up' })).toBeTruthy()
  expect(changed).toHaveBeenCalledWith('/api/v1/findings/{id}', {
    params: { path: { id: 'f1' } },
    body: { version: 'open', state: 'closed', note: 'A journey' },
  })
})

test('what is closed says by whom and why, and can be opened again', async () => {
  open({ ...travel, state: 'closed', note: 'A journey', handledBy: 'u1', handledAt: travel.at }, true)
  expect(await screen.findByText('A journey')).toBeTruthy()
  expect(screen.getByText(/Anna closed this on/)).toBeTruthy()
  expect(screen.getByRole('button', { name: 'Open again' })).toBeTruthy()
  expect(screen.queryByRole('button', { name: 'Close …' })).toBeNull()
})

test('who comes too late is told so, and sees what somebody else has done', async () => {
  open(travel, true)
  const take = await screen.findByRole('button', { name: 'Take it up' })
  const refused = { code: 'finding.changed', status: 409, title: 'Conflict', id: 'x' }
  vi.spyOn(api, 'PATCH').mockResolvedValue({ error: refused, response: new Response(null, { status: 409 }) } as never)
  answer({ ...travel, state: 'taken', version: 'taken@1', handledBy: 'u1', handledAt: travel.at })
  fireEvent.click(take)
  expect(await screen.findByText(/Anna has been looking into this since/)).toBeTruthy()
  expect(screen.getByText(/Somebody else has just changed this/)).toBeTruthy()
  expect(screen.queryByRole('button', { name: 'Take it up' })).toBeNull()
})
