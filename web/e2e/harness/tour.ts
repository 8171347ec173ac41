import type { Page } from '@playwright/test'
import { administrator, control, join, openPanel, say } from './acts'
import type { Seat } from './browser'
import { type Language, word } from './words'

/** Something that can stand still for a while. */
export interface Pausable {
  readonly stop: () => void
  readonly goOn: () => void
}

export interface Look {
  readonly theme: 'light' | 'dark'
  readonly language: Language
}

export const looks: readonly Look[] = (['light', 'dark'] as const).flatMap(theme =>
  (['en', 'de'] as const).map(language => ({ theme, language })),
)

/** What browsers write to the console in states that the tours provoke. */
export const provoked =
  /Failed to load resource|Failed to fetch dynamically imported module|did not come|WebSocket|net::ERR_/

/** What is done with each state of each screen; `name` is fit for a file name. */
export type Visit = (name: string, page: Page) => Promise<void>

/** Makes a browser show a look from its first page on. */
export async function dress(seat: Seat, look: Look): Promise<void> {
  await seat.context.addInitScript(({ theme, language }) => {
    if (!location.protocol.startsWith('http')) return // the blank page has no storage
    localStorage.setItem('konklave.theme', theme)
    localStorage.setItem('konklave.language', language)
  }, look)
}

/** Visits every page that people without an account see. */
export async function tourOutside(seat: Seat, look: Look, link: string, closed: string, visit: Visit): Promise<void> {
  const page = await seat.page()
  const say = (key: string) => word(key, look.language)
  const at = async (path: string, name: string) => {
    await page.goto(path)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForLoadState('networkidle')
    await visit(name, page)
  }
  await at('/', 'start-signed-out')
  await at('/account', 'account-signed-out')
  await page.goto('/test')
  await page.getByRole('button', { name: say('test.again') }).waitFor()
  await visit('connection-test', page)
  await at('/signin', 'sign-in')
  await page.locator('summary').click()
  await visit('sign-in-forgotten', page)
  await page.getByLabel(say('entry.email'), { exact: true }).fill('nobody@example.test')
  await page.getByLabel(say('entry.password'), { exact: true }).fill('wrong, but long enough')
  await page
    .getByRole('main')
    .getByRole('button', { name: say('action.signIn') })
    .click()
  await page.getByRole('alert').waitFor()
  await page.getByRole('button', { name: say('password.show') }).click()
  await visit('sign-in-failed', page)
  await at('/setup#some-token', 'set-up')
  await page.goto('about:blank')
  await at('/setup', 'set-up-without-token')
  await at('/no/such/page', 'not-found')
  await page.route('**/assets/NotFoundPage-*', route => route.fulfill({ status: 404 }))
  await at('/no/such/page', 'page-that-does-not-come')
  await page.unroute('**/assets/NotFoundPage-*')
  await at('/join/abcdefghijklmnopqrstuvwxyz', 'meeting-unknown')
  await at(closed, 'guests-not-allowed')
  await at(link, 'join')
  await refuse(page)
  await page.getByRole('button', { name: say('control.microphone'), exact: true }).click()
  await page.getByRole('alert').waitFor()
  await visit('join-microphone-refused', page)
  await page.goto(link)
  await page.getByRole('button', { name: say('join.join'), exact: true }).click()
  await visit('join-without-name', page)
  await page.getByRole('button', { name: say('control.camera'), exact: true }).click()
  await page.getByRole('button', { name: say('control.microphone'), exact: true }).click()
  await page.locator('[aria-pressed=true]').nth(1).waitFor()
  for (const details of await page.locator('details').all())
    await details.evaluate(each => each.setAttribute('open', ''))
  await visit('join-with-camera', page)
  await page.getByLabel(say('join.name')).fill('Gerd Gast')
  await meetDamage(page, look)
  await visit('meeting-damaged-for-guests', page)
  await page.close()
}

/** Has the browser refuse microphone and camera, as a person can. */
async function refuse(page: Page): Promise<void> {
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('refused', 'NotAllowedError'))
  })
}

/** Joins, and has the server answer that what was stored of the meeting is damaged. */
async function meetDamage(page: Page, look: Look): Promise<void> {
  const code = 'journal.corrupt'
  const body = JSON.stringify({ type: 'about:blank', title: 'Conflict', status: 409, code, detail: code, id: 'e1' })
  await page.route('**/api/v1/join/*', route =>
    route.request().method() === 'POST'
      ? route.fulfill({ status: 409, contentType: 'application/problem+json', body })
      : route.fallback(),
  )
  await page.getByRole('button', { name: word('join.join', look.language), exact: true }).click()
  await page.getByRole('heading', { name: word('damaged.title', look.language) }).waitFor()
  await page.waitForLoadState('networkidle')
  await page.unroute('**/api/v1/join/*')
}

/** Sets a fresh server up and visits what is shown only then. */
export async function tourSetUp(page: Page, setupLink: string, look: Look, visit: Visit): Promise<void> {
  const say = (key: string) => word(key, look.language)
  await page.goto(setupLink)
  await page.getByLabel(say('join.name')).fill(administrator.name)
  await page.getByLabel(say('entry.email')).fill(administrator.email)
  await page.getByLabel(say('entry.password'), { exact: true }).fill(administrator.password)
  await page.getByRole('button', { name: say('password.show') }).click()
  await visit('set-up-filled', page)
  await page.getByRole('main').locator('button[type=submit]').click()
  await page.getByRole('heading', { name: say('recovery.title') }).waitFor()
  await visit('recovery-key', page)
  await page.getByRole('checkbox').check()
  await visit('recovery-key-stored', page)
}

/** Visits every page and dialog of a signed-in administrator outside a conference. */
export async function tourInside(page: Page, look: Look, link: string, visit: Visit): Promise<void> {
  const say = (key: string) => word(key, look.language)
  const dialog = page.getByRole('dialog')
  const cancel = () => dialog.getByRole('button', { name: say('action.cancel') }).click()
  await page.goto('/')
  await page.getByRole('listitem').first().waitFor()
  await visit('start', page)
  await page.getByRole('button', { name: say('start.create') }).click()
  await visit('start-create', page)
  await cancel()
  const more = page.getByRole('main').locator('button[aria-haspopup]').first()
  for (const [key, name] of [
    ['start.rename', 'start-rename'],
    ['start.delete', 'start-delete'],
  ] as const) {
    await more.click()
    if (key === 'start.rename') await visit('start-menu', page)
    await page.getByRole('menuitem', { name: say(key) }).click()
    await dialog.waitFor()
    await visit(name, page)
    await cancel()
  }
  await page.goto('/account')
  await page.getByRole('heading', { name: say('users.title') }).waitFor()
  await page.waitForLoadState('networkidle')
  await visit('account', page)
  await page.getByLabel(say('account.tokenName')).fill('calendar')
  await page.getByRole('button', { name: say('account.createToken') }).click()
  await page.getByText(say('account.tokenSecret')).waitFor()
  await visit('account-token', page)
  await page.goto(link)
  await meetDamage(page, look)
  await page.getByRole('button', { name: say('damaged.close') }).waitFor()
  await visit('meeting-damaged', page)
  await page.getByRole('button', { name: say('damaged.close') }).click()
  await visit('meeting-damaged-close', page)
  await cancel()
  await page.goto('/')
}

/** Visits the states of a conference in which the host is alone with a guest; both are in it already. */
export async function tourConference(
  host: Page,
  guest: Page,
  worker: Pausable,
  look: Look,
  visit: Visit,
): Promise<void> {
  const text = (key: string) => word(key, look.language)
  const tool = (key: string) => host.getByRole('button', { name: text(key), exact: true })
  const dialog = host.getByRole('dialog')
  const close = async () => {
    await host.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  }
  await host.locator('[data-participant]').nth(1).waitFor()
  await visit('conference', host)
  await openPanel(host, text('control.chat'))
  await visit('conference-chat-empty', host)
  await openPanel(guest, text('control.chat'))
  await say(guest, `${look.theme} ${look.language}`, look.language)
  await host.getByText(`${look.theme} ${look.language}`).first().waitFor()
  await visit('conference-chat', host)
  await openPanel(host, text('control.people'))
  await visit('conference-people', host)
  await host.keyboard.press('Escape')
  await tool('control.layout').click()
  await visit('conference-speaker-layout', host)
  await tool('control.layout').click()
  await host.locator('[data-pin]').last().focus()
  await host.keyboard.press('Enter')
  await visit('conference-pinned', host)
  await host.keyboard.press('Enter')
  await tool('control.share').click()
  await visit('conference-share', host)
  await close()
  await tool('control.settings').click()
  await visit('conference-settings', host)
  await close()
  await host.keyboard.press('?')
  await visit('conference-shortcuts', host)
  await close()
  await tool('control.more').click()
  await visit('conference-more', host)
  await host.keyboard.press('Escape')
  await tourAside(host, guest, look, visit)
  worker.stop()
  await host.locator('[data-lost-line]').waitFor({ timeout: 60_000 })
  await visit('conference-worker-away', host)
  worker.goOn()
  await host.locator('[data-lost-line]').waitFor({ state: 'detached', timeout: 60_000 })
  await tool('control.microphone').click()
  await tool('control.camera').click()
  await host.locator('[data-tool=camera][aria-pressed=false]').waitFor()
  await visit('conference-muted', host)
  await tool('control.leave').click()
  await visit('conference-leave', host)
  await dialog.getByRole('button', { name: text('leave.alone') }).click()
  await host.getByRole('heading', { level: 1 }).waitFor()
  await visit('ended', host)
}

/** Visits what is shown beside a running conference: to administrators, and to somebody whose conference page does not come. */
async function tourAside(host: Page, guest: Page, look: Look, visit: Visit): Promise<void> {
  const text = (key: string) => word(key, look.language)
  const administration = await host.context().newPage()
  await administration.goto('/conferences')
  await administration.getByRole('listitem').first().waitFor()
  await visit('conferences', administration)
  await administration.locator('summary').click()
  await visit('conferences-layers', administration)
  await administration.close()
  const broken = await guest.context().newPage()
  await broken.route('**/assets/ConferencePage-*', route => route.fulfill({ status: 404 }))
  await broken.goto(guest.url())
  await broken.getByLabel(text('join.name')).fill('Gerd Gast')
  await broken.getByRole('button', { name: text('join.join'), exact: true }).click()
  await broken.getByRole('heading', { name: text('part.title') }).waitFor()
  await visit('conference-page-that-does-not-come', broken)
  await broken.getByRole('button', { name: text('control.leave'), exact: true }).click()
  await broken.getByRole('heading', { name: text('ended.left.title') }).waitFor()
  await broken.close()
  await loseForLong(await guest.context().newPage(), guest.url(), look, visit)
}

/** Milliseconds after which a line that is lost has been lost for long. */
const aWhile = 31_000

/** Joins, loses the line, and visits what is said when that lasts. */
async function loseForLong(page: Page, address: string, look: Look, visit: Visit): Promise<void> {
  const text = (key: string) => word(key, look.language)
  let hangUp = () => {}
  let cut = false
  await page.routeWebSocket(/\/signalling$/, socket => {
    hangUp = () => void socket.close({ code: 4000 })
    if (cut) hangUp()
    else socket.connectToServer()
  })
  await page.clock.install()
  await join(page, address, { name: 'Gerd Gast', microphone: false, camera: false, language: look.language })
  cut = true
  hangUp()
  await page.locator('[data-lost-line]').waitFor()
  const reload = page.getByRole('button', { name: text('action.reload') })
  await page.clock.fastForward(aWhile)
  await reload.waitFor()
  await visit('conference-line-lost-for-long', page)
  page.once('framenavigated', () => {
    cut = false // not before: the line that comes back by itself takes the button away
  })
  await reload.click()
  await control(page, text('control.leave')).click()
  await page.getByRole('heading', { name: text('ended.left.title') }).waitFor()
  await page.close()
}
