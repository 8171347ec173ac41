import type { Page } from '@playwright/test'
import { control, join, startMeeting } from './harness/acts'
import type { Seat } from './harness/browser'
import { Federated } from './harness/providers'
import { rulesFor } from './harness/rules'
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

async function signInAtDirectory(page: Page, name: string, secret = 'geheim genug'): Promise<void> {
  await page.goto('/signin')
  await page.getByLabel(word('entry.accountAt')).selectOption({ label: 'Stadtverwaltung' })
  await page.getByLabel(word('entry.userName')).fill(name)
  await page.getByLabel(word('entry.password'), { exact: true }).fill(secret)
  await page
    .getByRole('main')
    .getByRole('button', { name: word('action.signIn'), exact: true })
    .click()
}

async function signOut(page: Page): Promise<void> {
  await page.goto('/account')
  await page.getByRole('button', { name: word('account.signOut'), exact: true }).click()
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

test('who comes from the SAML provider lands in the meeting, and is out of it when it ends the session', async ({
  seat,
}) => {
  const opened = await seat(federated.server, { trust: federated.authority })
  allowProviders(opened)
  const page = await opened.page()
  await signInAtSAML(page, 'anna')
  await expect(page.getByRole('link', { name: 'Anna Beispiel' })).toBeVisible()
  await join(page, await startMeeting(page), { microphone: false, camera: false })
  const portal = await opened.page()
  const back = `RelayState=${encodeURIComponent(`${federated.server.address}/`)}`
  await portal.goto(`${federated.portalOfSAML}/saml2/idp/initSLO.php?${back}`)
  await portal.waitForURL(`${federated.server.address}/`)
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(word('ended.signedOut.title'))
})

test('who signs out here is signed out at the OpenID provider', async ({ seat }) => {
  const opened = await seat(federated.server, { trust: federated.authority })
  allowProviders(opened)
  const page = await opened.page()
  await signInAtPortal(page)
  await signOut(page)
  await page.waitForURL(`${federated.server.address}/`)
  await leaveFor(page, 'Landesportal')
  await expect(page.locator('input[name=password]')).toBeVisible() // it asks again
})

test('who signs out here is signed out at the SAML provider', async ({ seat }) => {
  const opened = await seat(federated.server, { trust: federated.authority })
  allowProviders(opened)
  const page = await opened.page()
  await signInAtSAML(page, 'anna')
  await expect(page.getByRole('link', { name: 'Anna Beispiel' })).toBeVisible()
  await signOut(page)
  await page.waitForURL(`${federated.server.address}/`)
  await leaveFor(page, 'Bundesportal')
  await expect(page.locator('input[name=password]')).toBeVisible() // it asks again
})

test('who is disabled in the directory is out of the running meeting', async ({ seat }) => {
  const opened = await seat(federated.server)
  opened.guard.allow(/Failed to load resource/)
  const page = await opened.page()
  await signInAtDirectory(page, 'lars')
  await expect(page.getByRole('link', { name: 'Lars Landrat' })).toBeVisible()
  await join(page, await startMeeting(page), { microphone: false, camera: false })
  await federated.disable('lars')
  const within = { timeout: 60_000 } // it is asked every ten seconds
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(word('ended.signedOut.title'), within)
  await signInAtDirectory(page, 'lars')
  await expect(page.getByRole('alert')).toContainText(word('error.auth.failed'))
})

test('signs in at a directory with name and password', async ({ seat }) => {
  const opened = await seat(federated.server)
  opened.guard.allow(/Failed to load resource/)
  const page = await opened.page()
  await signInAtDirectory(page, 'lena', 'wrong')
  await expect(page.getByRole('alert')).toContainText(word('error.auth.failed'))
  await signInAtDirectory(page, 'lena')
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
    expect((await rulesFor(page).analyze()).violations).toEqual([])
  })
}
