import { cleanup, screen } from '@testing-library/react'
import { afterEach, expect, test } from 'vitest'
import type { Approval } from '../../api/client'
import { show } from '../../testing/render'
import { ApprovalCard } from './ApprovalCard'

afterEach(cleanup)

const shorter: Approval = {
  id: 'p1',
  action: 'audit.retention',
  keptBefore: { security: 184, administration: 200, conference: 184 },
  keptAfter: { security: 90, administration: 200, conference: 7 },
  state: 'pending',
  reason: 'The configuration says so.',
  requestedBy: { id: '', name: '', email: '' },
  requestedAt: '2026-11-22T09:00:00.000Z',
  expiresAt: '2026-12-22T09:00:00.000Z',
  decidable: true,
  own: false,
}

test('a shorter retention says the days before and after, and that the server asks', () => {
  show(<ApprovalCard approval={shorter} onChanged={async () => undefined} />)
  expect(screen.getByRole('heading', { name: 'Keep the audit log for less long' })).toBeTruthy()
  expect(screen.getByText('security 184 days, administration 200 days, conferences 184 days')).toBeTruthy()
  expect(screen.getByText('security 90 days, administration 200 days, conferences 7 days')).toBeTruthy()
  expect(screen.getByText('The configuration of the server says so.')).toBeTruthy()
  expect(screen.getByText(/^the server, /)).toBeTruthy()
  expect(screen.getByRole('button', { name: 'Approve' })).toBeTruthy()
})
