import { cleanup, screen } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { api, type LiveConference } from '../../api/client'
import { show } from '../../testing/render'
import { Conferences } from './ConferencesPage'

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

const running: LiveConference = {
  id: 'c',
  meeting: 'm',
  title: 'Council',
  startedAt: '2026-01-01T10:00:00.000Z',
  people: 3,
  restarts: 0,
  isolation: { complete: true, layers: [{ layer: 'seccomp', inForce: true, detail: 'Seccomp 2' }] },
}

function open(...items: readonly LiveConference[]) {
  vi.spyOn(api, 'GET').mockResolvedValue({ data: { items }, response: new Response() } as never)
  show(<Conferences />)
}

test('a conference with every layer says so in one line', async () => {
  open(running)
  expect(await screen.findByRole('heading', { name: 'Council' })).toBeTruthy()
  expect(screen.getByText(/3 people/).textContent).not.toContain('restarted')
  expect(screen.getByText('All 1 layers of isolation are in force.')).toBeTruthy()
  expect(screen.getByText('Show the layers').closest('details')?.textContent).toContain('Few system calls')
})

test('what is missing is named, with what it means and what was found', async () => {
  const layers = [
    { layer: 'seccomp', inForce: true, detail: 'Seccomp 2' },
    { layer: 'user', inForce: false, detail: 'runs as the same user as the server' },
    { layer: 'newer', inForce: false, detail: 'unknown here' },
  ]
  open({ ...running, restarts: 2, isolation: { complete: false, layers } })
  expect(await screen.findByText('2 of 3 layers of isolation are missing:')).toBeTruthy()
  expect(screen.getByText('Own user')).toBeTruthy()
  expect(screen.getByText('runs as the same user as the server')).toBeTruthy()
  expect(screen.getByText('newer')).toBeTruthy()
  expect(screen.getByText('In force: Few system calls')).toBeTruthy()
  expect(screen.getByText(/restarted 2 times/)).toBeTruthy()
})

test('people who are not counted are not nobody', async () => {
  const { people: _, ...uncounted } = running
  open(uncounted)
  expect(await screen.findByText(/people not counted yet/)).toBeTruthy()
})

test('nothing runs', async () => {
  open()
  expect(await screen.findByText('Nothing is running now.')).toBeTruthy()
})
