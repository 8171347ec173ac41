import { control, join, setUp } from './harness/acts'
import { type Prepared, prepare } from './harness/prepared'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { word } from './harness/words'

let server: Server
let meetings: Prepared

test.beforeAll(async () => {
  server = await Server.start()
  meetings = await prepare(server)
})

test.afterAll(() => server.close())

test('a wrong set-up link says so, and the right one works', async ({ seat }) => {
  const fresh = await Server.start()
  try {
    const anna = await seat(fresh)
    anna.guard.allow(/Failed to load resource.*\/api\/v1\/setup/)
    const page = await anna.page()
    await page.goto('/setup#not-the-token')
    await page.getByLabel('Your name').fill('Mallory')
    await page.getByLabel('E-mail').fill('mallory@example.test')
    await page.getByLabel('Password').fill('long enough to be a password')
    await page.getByRole('button', { name: word('setup.submit') }).click()
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(word('failure.setupInvalid'))
    await expect(page.getByText('setup.invalid')).toBeVisible()
    await setUp(await anna.page(), fresh)
  } finally {
    await fresh.close()
  }
})

test('an unknown meeting is a clear page', async ({ seat }) => {
  const guest = await seat(server)
  guest.guard.allow(/Failed to load resource.*\/api\/v1\/join\//)
  const page = await guest.page()
  await page.goto('/join/abcdefghijklmnopqrstuvwxyz')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(word('failure.meetingUnknown'))
  await expect(page.getByText('meeting.unknown')).toBeVisible()
})

test('an unknown address is a clear page', async ({ seat }) => {
  const guest = await seat(server)
  const page = await guest.page()
  await page.goto('/no/such/page')
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await expect(page.getByRole('link').first()).toBeVisible()
})

test('guests who are not allowed learn how to get in', async ({ seat }) => {
  const guest = await (await seat(server)).page()
  await guest.goto(meetings.closed)
  await expect(guest.getByRole('heading', { level: 1 })).toHaveText(word('failure.noGuests'))
  await expect(guest.getByRole('link', { name: 'Sign in' }).first()).toBeVisible()
})

test('a refused microphone is explained, and joining works without', async ({ seat }) => {
  const guest = await seat(server, { devices: 'denied' })
  const page = await guest.page()
  await page.goto(meetings.link)
  await control(page, 'Microphone').click()
  await expect(page.getByText(word('error.device.permission_denied'))).toBeVisible()
  await join(page, meetings.link, { name: 'Gina', microphone: false, camera: false })
})

test('a missing camera is explained, and joining works without', async ({ seat }) => {
  const guest = await seat(server, { devices: 'none' })
  const page = await guest.page()
  await page.goto(meetings.link)
  await control(page, 'Camera').click()
  await expect(page.getByText(word('error.device.not_found'))).toBeVisible()
  await join(page, meetings.link, { name: 'Gerd', microphone: false, camera: false })
})

test('a server that goes away and comes back is survived', async ({ seat }) => {
  const guest = await seat(server)
  guest.guard.allow(/WebSocket|net::ERR_|Failed to load resource/)
  const page = await guest.page()
  await join(page, meetings.link, { name: 'Gabi' })
  const { host } = new URL(server.address)
  await server.stop()
  await expect(page.getByText(word('conference.reconnecting'))).toBeVisible({ timeout: 30_000 })
  await server.run(host)
  await expect(page.getByText(word('conference.reconnecting'))).toHaveCount(0, { timeout: 60_000 })
})
