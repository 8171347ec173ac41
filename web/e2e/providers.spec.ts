import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { control, join, startMeeting } from './harness/acts'
import type { Seat } from './harness/browser'
import { Federated } from './harness/providers'
import { expect, test } from './harness/test'
import { dress, looks } from './harness/tour'
import { word } from './harness/words'

/** Signing in at real identity providers: LemonLDAP::NG, SimpleSAMLphp, slapd. */

let federated: Federated

test.beforeAll(async () => {
  federated = await Federated.start()
})

test.afterAll(() => federated?.close())

/** The providers' pages are foreign to the server, and so is what they complain about. */
const elsewhere = /foreign request: https?:\/\/127\.|127\.\d+\.\d+\.\d+:|Failed to load resource/

function allowProviders(seat: Seat): void {
  seat.guard.allow(elsewhere)
}

async function leaveFor(page: Page, provider: string, next = '/'): Promise<void> {
  await page.goto(`/signin?next=${encodeURIComponent(next)}`)
  await page.getByRole('button', { name: word('entry.signInWith', 'en', { provider }) }).click()
  await page.waitForURL(url => url.hostname.startsWith('127.'))
}

async function signInAtPortal(page: Page): Promise<void> {
  await leaveFor(page, 'Landesportal')
  await page.locator('input[name=user]').fill('dwho')
  await page.locator('input[name=password]').fill('dwho')
  await page.locator('input[name=password]').press('Enter')
  await page.waitForURL(`${federated.server.address}/`)
}

async function signInAtSAML(page: Page, name: string): Promise<void> {
  await leaveFor(page, 'Bundesportal')
  await page.locator('input[name=username]').fill(name)
  await page.locator('input[name=password]').fill('secret')
  await page.locator('input[name=password]').press('Enter')
  await page.waitForURL(url => url.host === new URL(federated.server.address).host)
}

test('signs in at an OpenID provider and hosts a meeting', async ({ seat }) => {
  const opened = await seat(federated.server, { trust: federated.authority })
  allowProviders(opened)
  const page = await opened.page()
  await signInAtPortal(page)
  await expect(page.getByRole('link', { name: 'Doctor Who' })).toBeVisible()
  const link = await startMeeting(page)
  await join(page, link, { microphone: false, camera: false })
  await control(page, word('control.leave')).click()
})

test('signs in at a SAML provider, and again into the same account', async ({ seat }) => {
  for (let time = 1; time <= 2; time++) {
    const opened = await seat(federated.server, { trust: federated.authority })
    allowProviders(opened)
    const page = await opened.page()
    await signInAtSAML(page, 'anna')
    await expect(page.getByRole('link', { name: 'Anna Beispiel' })).toBeVisible()
    const me = await page.evaluate(async () => (await (await fetch('/api/v1/me')).json()) as { email: string })
    expect(me.email).toBe('anna@example.org')
    const cookies = await opened.context.cookies(federated.server.address)
    expect(cookies.map(cookie => cookie.name).sort()).toEqual(['__Host-konklave-device', '__Host-konklave-session'])
  }
})

test('whom the rules give no role is told so, and is not signed in', async ({ seat }) => {
  const opened = await seat(federated.server, { trust: federated.authority })
  allowProviders(opened)
  const page = await opened.page()
  await signInAtSAML(page, 'eva')
  await expect(page.getByRole('alert')).toContainText(word('error.auth.no_role'))
  const session = await page.evaluate(async () => (await (await fetch('/api/v1/session')).json()) as object)
  expect(session).toEqual({})
})

test('an answer that is shown again, or to another browser, signs nobody in', async ({ seat }) => {
  const opened = await seat(federated.server, { trust: federated.authority })
  allowProviders(opened)
  const page = await opened.page()
  const answers: string[] = []
  page.on('request', request => {
    if (request.url().includes('/providers/land/return')) answers.push(request.url())
  })
  await signInAtPortal(page)
  expect(answers).toHaveLength(1)
  const other = await (await seat(federated.server)).page()
  for (const each of [page, other]) {
    await each.goto(answers[0] ?? '')
    await expect(each.getByRole('alert')).toContainText(word('error.auth.provider_refused'))
  }
})

test('signs in at a directory with name and password', async ({ seat }) => {
  const opened = await seat(federated.server)
  opened.guard.allow(/Failed to load resource/)
  const page = await opened.page()
  await page.goto('/signin')
  await page.getByLabel(word('entry.accountAt')).selectOption({ label: 'Stadtverwaltung' })
  const press = page.getByRole('main').getByRole('button', { name: word('action.signIn'), exact: true })
  await page.getByLabel(word('entry.userName')).fill('lena')
  await page.getByLabel(word('entry.password'), { exact: true }).fill('wrong')
  await press.click()
  await expect(page.getByRole('alert')).toContainText(word('error.auth.failed'))
  await page.getByLabel(word('entry.password'), { exact: true }).fill('geheim genug')
  await press.click()
  await expect(page.getByRole('link', { name: 'Lena Landrat' })).toBeVisible()
})

for (const look of looks) {
  test(`axe finds nothing on the sign-in page with providers: ${look.theme}, ${look.language}`, async ({ seat }) => {
    const opened = await seat(federated.server)
    await dress(opened, look)
    const page = await opened.page()
    await page.goto('/signin?problem=auth.no_role&id=abc')
    await expect(page.getByRole('alert')).toContainText(word('error.auth.no_role', look.language))
    await page.getByLabel(word('entry.accountAt', look.language)).selectOption({ label: 'Stadtverwaltung' })
    const name = word('entry.signInWith', look.language, { provider: 'Bundesportal' })
    await expect(page.getByRole('button', { name })).toBeVisible()
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([])
  })
}
