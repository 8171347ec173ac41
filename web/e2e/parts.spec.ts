import { control, join, openPanel, switchOn } from './harness/acts'
import { people } from './harness/fixtures'
import { type Prepared, prepare } from './harness/prepared'
import { expectAudibleVoices } from './harness/rtc'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { word } from './harness/words'

/** Parts of the client that cannot be fetched, as after an upgrade that gave them other names. */

let server: Server
let meetings: Prepared

test.beforeAll(async () => {
  server = await Server.start()
  meetings = await prepare(server)
})

test.afterAll(() => server.close())

const noise = /Failed to load resource|Failed to fetch dynamically imported module|net::ERR_|did not come/

test('a page that does not come says so and offers a reload, which brings it', async ({ seat }) => {
  const guest = await seat(server)
  guest.guard.allow(noise)
  const page = await guest.page()
  await page.goto('/')
  await page.route('**/assets/SignInPage-*', route => route.fulfill({ status: 404 }))
  await page
    .getByRole('link', { name: word('action.signIn') })
    .first()
    .click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(word('part.title'))
  await page.unroute('**/assets/SignInPage-*')
  await page.getByRole('button', { name: word('action.reload') }).click()
  await expect(page.getByLabel('Password', { exact: true })).toBeVisible()
})

test('a page that comes at the second try is shown as if nothing had been', async ({ seat }) => {
  const guest = await seat(server)
  guest.guard.allow(noise)
  const page = await guest.page()
  await page.goto('/')
  await page.route('**/assets/SignInPage-*', route => route.abort(), { times: 1 })
  await page
    .getByRole('link', { name: word('action.signIn') })
    .first()
    .click()
  await expect(page.getByLabel('Password', { exact: true })).toBeVisible()
})

test('without its texts the client says so', async ({ seat }) => {
  const guest = await seat(server)
  guest.guard.allow(noise)
  const page = await guest.page()
  await page.route('**/assets/en-*', route => route.abort())
  await page.goto('/')
  await expect(page.getByText('Konklave could not be loaded.')).toBeVisible()
  await page.unroute('**/assets/en-*')
  await page.getByRole('button', { name: 'Reload' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
})

test('a conference page that does not come does not end the call, and a reload brings it', async ({ seat }) => {
  const anna = await (await seat(server, { person: people.anna })).page()
  await join(anna, meetings.link, { name: people.anna.name, camera: false })
  const guest = await seat(server, { person: people.bert })
  guest.guard.allow(noise)
  const bert = await guest.page()
  await bert.route('**/assets/ConferencePage-*', route => route.fulfill({ status: 404 }))
  await bert.goto(meetings.link)
  await bert.getByLabel('Your name').fill(people.bert.name)
  await switchOn(bert, 'Microphone')
  await control(bert, 'Join').click()
  await expect(bert.getByRole('heading', { level: 1 })).toHaveText(word('part.title'))
  await expect(bert.getByText(word('part.inCall'))).toBeVisible()
  await expect(control(bert, 'Microphone')).toHaveAttribute('aria-pressed', 'true')
  await openPanel(anna, 'People')
  await expect(anna.getByRole('list', { name: 'People' }).getByText(people.bert.name)).toBeVisible()
  await expectAudibleVoices(anna, 1)
  await bert.unroute('**/assets/ConferencePage-*')
  await control(bert, word('action.reload')).click()
  await expect(control(bert, 'Leave')).toBeVisible()
  await expectAudibleVoices(anna, 1)
  await expectAudibleVoices(bert, 1)
})
