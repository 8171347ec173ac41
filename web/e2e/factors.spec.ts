import { createHmac } from 'node:crypto'
import type { Page } from '@playwright/test'
import { type Account, administrator, colleague, signIn } from './harness/acts'
import type { Seat } from './harness/browser'
import { MailServer } from './harness/mail'
import { freePort } from './harness/port'
import { prepare } from './harness/prepared'
import { rulesFor } from './harness/rules'
import { Server } from './harness/server'
import { expect, type OpenSeat, test } from './harness/test'
import { dress, type Look, provoked } from './harness/tour'
import { expectFits } from './harness/widths'
import { type Language, word } from './harness/words'

/** Second factors: an authenticator app, recovery codes and passkeys, with Chromium's own virtual authenticator. */

const both: readonly Language[] = ['en', 'de']

/** Seconds for which a code of an authenticator app is shown. */
const period = 30

let server: Server
let mails: MailServer

/** One for all: each test has an account of its own. */
test.beforeAll(async () => {
  mails = await MailServer.start()
  const address = `localhost:${await freePort()}` // passkeys need a name, links in mails the port
  server = await Server.start({ listen: address, args: ['--public-url', `http://${address}`, ...mails.args] })
  await prepare(server)
  server.addUser(colleague.email, colleague.name, colleague.password, 'user,security_officer')
})

test.afterAll(async () => {
  await server?.close()
  await mails?.close()
})

let accounts = 0

function newAccount(language?: Language): Account {
  const account = { ...administrator, email: `nr${++accounts}@example.test` }
  server.addUser(account.email, account.name, account.password, 'user', language)
  return account
}

for (const language of both) {
  const say = (key: string, parameters: Readonly<Record<string, string>> = {}) => word(key, language, parameters)

  test(`an authenticator app and recovery codes, ${language}`, async ({ seat }) => {
    const account = newAccount()
    const page = await (await open(seat, language)).page()
    await signIn(page, account, language)
    await page.goto('/account')
    await button(page, say('factor.addApp')).click()
    const dialog = page.getByRole('dialog', { name: say('factor.addApp') })
    await expect(dialog.getByRole('img', { name: say('factor.qr') })).toBeVisible()
    await dialog.locator('summary').click()
    const secret = ((await dialog.locator('[data-app-secret]').textContent()) ?? '').replaceAll(' ', '')
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    await expectAccessible(page)
    await expectFits(page, `factor-app-${language}`)
    await dialog.getByLabel(say('factor.code')).fill('12345')
    await dialog.getByRole('button', { name: say('factor.add') }).click()
    await expect(dialog.getByText(say('error.factor.code_wrong'))).toBeVisible()
    await dialog.getByLabel(say('factor.code')).fill(codeOf(secret))
    await dialog.getByRole('button', { name: say('factor.add') }).click()
    const codes = await storeCodes(page, language, `factor-codes-${language}`)
    await expect(page.getByText(say('factor.codesLeft_other', { count: '10' }))).toBeVisible()
    await expectAccessible(page)

    await signOut(page, language)
    await password(page, language, account)
    await expect(page.getByRole('heading', { name: say('factor.secondTitle') })).toBeVisible()
    await expectAccessible(page)
    await expectFits(page, `factor-second-${language}`)
    await page.getByLabel(say('factor.code')).fill('000000x')
    await finish(page, language)
    await expect(page.getByRole('alert')).toContainText(say('error.factor.failed'))
    await page.getByLabel(say('factor.code')).fill(codeOf(secret, period)) // the one of now was used to add the app
    await finish(page, language)
    await expect(page.getByRole('button', { name: say('start.start') })).toBeVisible()

    for (const expected of ['first', 'again'] as const) {
      await page.goto('/account')
      await signOut(page, language)
      await password(page, language, account)
      await page.getByRole('button', { name: say('factor.useRecoveryCode') }).click()
      await page.getByLabel(say('factor.recoveryCode')).fill(codes[expected === 'first' ? 0 : 1]?.toUpperCase() ?? '')
      if (expected === 'first') await expectAccessible(page)
      await finish(page, language)
      await expect(page.getByRole('button', { name: say('start.start') })).toBeVisible()
    }
    await page.goto('/account')
    await expect(page.getByText(say('factor.codesLeft_other', { count: '8' }))).toBeVisible()
    await signOut(page, language)
    await password(page, language, account)
    await page.getByRole('button', { name: say('factor.useRecoveryCode') }).click()
    await page.getByLabel(say('factor.recoveryCode')).fill(codes[0] ?? '')
    await finish(page, language)
    await expect(page.getByRole('alert')).toContainText(say('error.factor.failed'))
  })

  test(`a passkey, instead of the password and after it, ${language}`, async ({ seat }) => {
    const account = newAccount()
    const page = await (await open(seat, language)).page()
    await withAuthenticator(page)
    await signIn(page, account, language)
    await page.goto('/account')
    await button(page, say('factor.addPasskey')).click()
    await storeCodes(page, language)
    await expect(page.getByText(say('factor.passkeyName'), { exact: true })).toBeVisible()
    await signOut(page, language)

    await page.goto('/signin')
    await button(page, say('factor.usePasskey')).click()
    await expect(page.getByRole('button', { name: say('start.start') })).toBeVisible()
    await page.goto('/account')
    await expect(page.getByText(account.email).first()).toBeVisible()
    await signOut(page, language)

    await password(page, language, account)
    await button(page, say('factor.usePasskey')).click()
    await expect(page.getByRole('button', { name: say('start.start') })).toBeVisible()

    // As if the sign-in were long ago: the first answer is that a proof is needed.
    await page.goto('/account')
    await page.route('**/api/v1/me/factors/*', route => route.fulfill(proofRequired), { times: 1 })
    await button(page, say('factor.remove')).click()
    const dialog = page.getByRole('dialog', { name: say('factor.proofTitle') })
    await expect(dialog).toBeVisible()
    await expectAccessible(page)
    await expectFits(page, `factor-proof-${language}`)
    await dialog.getByRole('button', { name: say('factor.usePasskey') }).click()
    await expect(dialog).toBeHidden()
    await expect(button(page, say('factor.remove'))).toHaveCount(0)
    await signOut(page, language)
    await signIn(page, account, language)
  })

  test(`a common password is refused, and why is said, ${language}`, async ({ seat }) => {
    const account = newAccount()
    const page = await (await open(seat, language)).page()
    await signIn(page, account, language)
    await page.goto('/account')
    await page.getByLabel(say('account.oldPassword'), { exact: true }).fill(account.password)
    await page.getByLabel(say('account.newPassword'), { exact: true }).fill('P4ssw0rt2026!')
    await button(page, say('account.changePassword')).click()
    await expect(page.getByText(say('error.password.common'))).toBeVisible()
    await expectAccessible(page)
    await page.getByLabel(say('account.newPassword'), { exact: true }).fill('Drei Wörter, die niemand kennt')
    await button(page, say('account.changePassword')).click()
    await expect(page.getByText(say('account.passwordChanged')).first()).toBeVisible()
  })

  test(`a lock is found and ended, ${language}`, async ({ seat }) => {
    await signIn(await (await open(seat, language)).page(), administrator, language)
    const page = await (await open(seat, language)).page()
    await signIn(page, colleague, language)
    await page.goto('/account')
    await page.getByRole('link', { name: say('account.findings') }).click()
    await expect(page.getByText(say('finding.browser.new')).first()).toBeVisible() // the one that has just signed in
    const stranger = await (await open(seat, language)).page()
    for (let attempt = 0; attempt < 6; attempt++) {
      await password(stranger, language, administrator, 'not the right password')
      await expect(stranger.getByRole('alert')).toBeVisible()
    }
    await expect(stranger.getByRole('alert')).toContainText(say('error.auth.locked'))
    await page.getByRole('button', { name: say('findings.refresh') }).click()
    const lock = page
      .getByRole('listitem')
      .filter({ hasText: say('finding.sign_in.locked') })
      .first() // the newest
    await expect(lock).toContainText(administrator.email)
    await lock.locator('summary').click()
    await expectAccessible(page)
    await expectFits(page, `findings-${language}`)
    await lock.getByRole('button', { name: say('findings.unlock') }).click()
    await expect(page.getByText(say('findings.unlocked')).first()).toBeVisible()
    await lock.getByRole('button', { name: say('findings.take') }).click()
    await expect(lock).toContainText(say('findingState.taken'))
    await lock.getByRole('button', { name: say('findings.close'), exact: true }).click()
    await lock.getByRole('button', { name: say('findings.closeNow'), exact: true }).click()
    await expect(lock).toContainText(say('error.finding.note_invalid'))
    await lock.getByLabel(say('findings.note')).fill('Passwort vergessen')
    await expectAccessible(page)
    await lock.getByRole('button', { name: say('findings.closeNow'), exact: true }).click()
    await expect(lock).toContainText('Passwort vergessen')
    await expect(lock).toContainText(say('findingState.closed'))
    await signIn(stranger, administrator, language)
  })

  test(`the owner of a locked account ends the lock by mail, ${language}`, async ({ seat }) => {
    const account = newAccount(language)
    const theme = language === 'de' ? 'light' : 'dark'
    const page = await (await open(seat, language, theme)).page()
    await password(page, language, account, 'not the right password')
    await expect(page.getByRole('alert')).toContainText(say('error.auth.failed'))
    for (let attempt = 1; attempt < 6; attempt++) {
      const answer = page.waitForResponse('**/api/v1/session')
      await page.getByLabel(say('entry.password'), { exact: true }).press('Enter')
      await answer
    }
    await expect(page.getByRole('alert')).toContainText(say('error.auth.locked'))
    await expect(page.getByRole('alert')).toContainText(say('entry.lockedMail')) // so it is read out
    await expectAccessible(page)
    await expectFits(page, `locked-${theme}-${language}`)

    let mail = await mails.next()
    while (!mail.to.includes(account.email)) mail = await mails.next() // other tests lock accounts too
    expect(mail.text).toContain(language === 'de' ? 'Waren Sie es nicht?' : 'Was it not you?')
    expect(mail.text).not.toContain(language === 'de' ? 'Was it not you?' : 'Waren Sie es nicht?')
    const link = /^http\S+\/unlock#\S+$/m.exec(mail.text.replaceAll('\r', ''))?.[0] ?? 'no link'
    await page.goto(link)
    await expect(page.getByRole('heading', { level: 1, name: say('unlock.title') })).toBeFocused()
    await expectAccessible(page)
    await expectFits(page, `unlock-${theme}-${language}`)
    await page.keyboard.press('Tab')
    await expect(button(page, say('unlock.submit'))).toBeFocused()
    await page.keyboard.press('Enter')
    await expect(page.getByRole('heading', { level: 1, name: say('unlock.done') })).toBeFocused()
    await expectAccessible(page)
    await expectFits(page, `unlock-done-${theme}-${language}`)
    await signIn(page, account, language)

    await page.goto(link)
    await button(page, say('unlock.submit')).click()
    await expect(page.getByText(say('error.unlock.invalid'))).toBeVisible()
    await expectAccessible(page)
    await expectFits(page, `unlock-again-${theme}-${language}`)
  })
}

const proofRequired = {
  status: 403,
  contentType: 'application/problem+json',
  body: JSON.stringify({ title: 'Forbidden', status: 403, code: 'session.proof_required', detail: 'x', id: 'e1' }),
}

async function open(seat: OpenSeat, language: Language, theme: Look['theme'] = 'light'): Promise<Seat> {
  const opened = await seat(server)
  opened.guard.allow(provoked)
  await dress(opened, { theme, language })
  return opened
}

const button = (page: Page, name: string) => page.getByRole('main').getByRole('button', { name, exact: true })

/** Gives a page an authenticator that knows its owner and agrees to everything. */
async function withAuthenticator(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
}

/** Reads the recovery codes that are shown, and closes them; before, looks at them when a name for that is given. */
async function storeCodes(page: Page, language: Language, look?: string): Promise<readonly string[]> {
  const dialog = page.getByRole('dialog', { name: word('factor.recoveryTitle', language) })
  await expect(dialog).toBeVisible()
  if (look) {
    await expectAccessible(page)
    await expectFits(page, look)
  }
  const codes = await dialog.locator('[data-recovery-codes] code').allTextContents()
  expect(codes).toHaveLength(10)
  await dialog.getByRole('button', { name: word('factor.recoveryStored', language) }).click()
  await expect(dialog).toBeHidden()
  return codes
}

async function signOut(page: Page, language: Language): Promise<void> {
  await button(page, word('account.signOut', language)).click()
  await expect(page).toHaveURL(/\/$/)
}

/** The first step of a sign-in. */
async function password(page: Page, language: Language, account: Account, given = account.password): Promise<void> {
  await page.goto('/signin')
  await page.getByLabel(word('entry.email', language), { exact: true }).fill(account.email)
  await page.getByLabel(word('entry.password', language), { exact: true }).fill(given)
  await finish(page, language)
}

async function finish(page: Page, language: Language): Promise<void> {
  await button(page, word('action.signIn', language)).click()
}

async function expectAccessible(page: Page): Promise<void> {
  const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
  expect((await rulesFor(page).withTags(standards).analyze()).violations).toEqual([])
}

/** What an authenticator app shows (RFC 6238) so many seconds from now. */
function codeOf(secret: string, ahead = 0): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...secret].map(letter => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map(byte => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor((Date.now() / 1000 + ahead) / period)))
  const sum = createHmac('sha1', key).update(counter).digest()
  const value = sum.readUInt32BE((sum.at(-1) ?? 0) & 15) & 0x7fffffff
  return String(value % 1_000_000).padStart(6, '0')
}
