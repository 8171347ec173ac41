import { administrator, control, join, openPanel, say, setUp, signIn } from './harness/acts'
import { people } from './harness/fixtures'
import { brokenLine } from './harness/guard'
import { type Prepared, prepare } from './harness/prepared'
import { expectMovingVideos } from './harness/rtc'
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
  guest.guard.allow(/Failed to load resource.*\/no\/such\/page/)
  const page = await guest.page()
  await page.goto('/no/such/page')
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await expect(page.getByRole('link').first()).toBeVisible()
})

test('a browser that cannot take part learns which ones can', async ({ seat }) => {
  const guest = await seat(server)
  const page = await guest.page()
  await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'RTCPeerConnection'))
  await page.goto(meetings.link)
  await expect(page.getByRole('heading', { level: 1, name: word('failure.unsupported') })).toBeVisible()
  await expect(page.getByText(word('error.device.unsupported'))).toBeVisible()
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
  const reason = word('error.device.permission_denied', 'en', { device: 'microphone', it: 'the microphone' })
  await expect(page.getByText(reason)).toBeVisible()
  await join(page, meetings.link, { name: 'Gina', microphone: false, camera: false })
})

test('a missing camera is explained, and joining works without', async ({ seat }) => {
  const guest = await seat(server, { devices: 'none' })
  const page = await guest.page()
  await page.goto(meetings.link)
  await control(page, 'Camera').click()
  const reason = word('error.device.not_found', 'en', { device: 'camera', it: 'the camera' })
  await expect(page.getByText(reason)).toBeVisible()
  await join(page, meetings.link, { name: 'Gerd', microphone: false, camera: false })
})

test('a front that dies is back, and so is everybody in the call', async ({ seat }) => {
  const host = await seat(server, { person: people.anna })
  const guest = await seat(server, { person: people.bert })
  for (const { guard } of [host, guest]) guard.allow(brokenLine)
  const [anna, bert] = [await host.page(), await guest.page()]
  await join(anna, meetings.link, { name: people.anna.name })
  await join(bert, meetings.link, { name: people.bert.name })
  await expectMovingVideos(anna, 1)
  const [worker] = server.workers()
  process.kill(server.only('front').pid, 'SIGKILL')
  await openPanel(anna, 'Chat')
  await openPanel(bert, 'Chat')
  await say(anna, 'still here')
  await expect(bert.getByText('still here', { exact: true })).toBeVisible()
  for (const page of [anna, bert]) await expectMovingVideos(page, 1)
  expect(server.workers().map(each => each.pid)).toContain(worker?.pid)
})

test('a server that is stopped says that the conference is over; one that is gone says so', async ({ seat }) => {
  const fresh = await Server.start()
  try {
    const { link } = await prepare(fresh)
    const guest = await seat(fresh)
    guest.guard.allow(brokenLine)
    const page = await guest.page()
    await join(page, link, { name: people.cleo.name, microphone: false, camera: false })
    const start = await guest.page()
    await signIn(start, administrator)
    await fresh.stop()
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(word('ended.shutdown.title'))
    await start.getByRole('button', { name: 'Start a meeting' }).click()
    await expect(start.getByText('server.unavailable')).toBeVisible()
  } finally {
    await fresh.close()
  }
})

test('who is signed out in a meeting learns what became of its end, signs in, and ends it', async ({ seat }) => {
  const host = await seat(server)
  host.guard.allow(/Failed to load resource|WebSocket/)
  const page = await host.page()
  let deaf = true
  let forget = () => {}
  await page.routeWebSocket(/\/signalling$/, socket => {
    const upstream = socket.connectToServer()
    socket.onMessage(frame => {
      if (!(deaf && String(frame).includes('"kind":"end"'))) upstream.send(frame)
    })
    forget = () => void socket.close({ code: 4401 })
  })
  const end = async () => {
    await control(page, 'Leave').click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: word('leave.end') })
      .click()
  }
  await signIn(page, administrator)
  await join(page, meetings.link, { microphone: false, camera: false })
  await end()
  await host.context.clearCookies()
  forget()
  await expect(page.getByText(word('error.end.unanswered')).last()).toBeVisible()
  await expect(page.getByText(word('error.session.invalid'))).toBeVisible()
  await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click()
  await page.getByLabel('E-mail', { exact: true }).fill(administrator.email)
  await page.getByLabel('Password', { exact: true }).fill(administrator.password)
  await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(`**${meetings.link}`)
  deaf = false
  await join(page, meetings.link, { microphone: false, camera: false })
  await end()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(word('ended.host.title'))
})
