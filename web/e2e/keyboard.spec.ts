import type { Page } from '@playwright/test'
import { administrator } from './harness/acts'
import { people } from './harness/fixtures'
import { expectMovingVideos } from './harness/rtc'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { word } from './harness/words'

/** More stops than any page has: going on to here means that the control cannot be reached. */
const mostStops = 60

let server: Server

test.beforeAll(async () => {
  server = await Server.start()
})

test.afterAll(() => server.close())

test('from the set-up to the end of a call by keyboard alone', async ({ seat }) => {
  const anna = await (await seat(server, { person: people.anna })).page()
  const bert = await (await seat(server, { person: people.bert })).page()

  await test.step('set up', async () => {
    await anna.goto(server.setupLink)
    await reach(anna, 'Your name')
    await anna.keyboard.type(administrator.name)
    await reach(anna, 'E-mail')
    await anna.keyboard.type(administrator.email)
    await reach(anna, 'Password')
    await anna.keyboard.type(administrator.password)
    await anna.keyboard.press('Enter')
    await expect(anna.getByRole('heading', { level: 1, name: word('recovery.title') })).toBeFocused()
    await reach(anna, word('recovery.stored'))
    await anna.keyboard.press('Space')
    await expect(anna.getByLabel(word('recovery.stored'))).toBeChecked()
    await reach(anna, word('recovery.goOn'))
    await anna.keyboard.press('Enter')
    await expect(anna.getByRole('button', { name: 'Start a meeting' })).toBeVisible()
  })

  await test.step('start a meeting and join it', async () => {
    await reach(anna, 'Start a meeting')
    await anna.keyboard.press('Enter')
    await anna.waitForURL('**/join/*')
    await enter(anna)
    await bert.goto(new URL(anna.url()).pathname)
    await reach(bert, 'Your name')
    await bert.keyboard.type(people.bert.name)
    await enter(bert)
    await expectMovingVideos(anna, 1)
    await expectMovingVideos(bert, 1)
  })

  await test.step('write a message', async () => {
    await reach(anna, 'Chat')
    await anna.keyboard.press('Enter')
    await expect(anna.getByRole('textbox', { name: 'Message' })).toBeFocused()
    await anna.keyboard.type('written by keyboard')
    await anna.keyboard.press('Enter')
    await reach(bert, 'Chat')
    await bert.keyboard.press('Enter')
    await expect(bert.getByText('written by keyboard', { exact: true })).toBeVisible()
    await anna.keyboard.press('Escape')
    await expect(anna.getByRole('button', { name: 'Chat', exact: true })).toBeFocused()
  })

  await test.step('go round the regions, pin, and switch the microphone off by its letter', async () => {
    await anna.keyboard.press('F6')
    await reach(anna, /pin/i)
    await anna.keyboard.press('Enter')
    await expect(anna.locator('[data-pin][aria-pressed=true]')).toHaveCount(1)
    await anna.keyboard.press('m')
    await expect(anna.getByRole('button', { name: 'Microphone', exact: true })).toHaveAttribute('aria-pressed', 'false')
    await anna.keyboard.press('?')
    await expect(anna.getByRole('dialog')).toBeVisible()
    await anna.keyboard.press('Escape')
    await expect(anna.getByRole('dialog')).toHaveCount(0)
  })

  await test.step('share a screen and stop', async () => {
    await reach(anna, 'Share screen')
    await anna.keyboard.press('Enter')
    await expect(anna.getByRole('dialog').getByRole('button', { name: word('share.start') })).toBeFocused()
    await anna.keyboard.press('Enter')
    await expectMovingVideos(bert, 2)
    await reach(anna, 'Share screen')
    await anna.keyboard.press('Enter')
    await expect(bert.locator('[data-source=screen]')).toHaveCount(0)
  })

  await test.step('end for all, after being asked with the safe answer in focus', async () => {
    await reach(anna, 'Leave')
    await anna.keyboard.press('Enter')
    await expect(anna.getByRole('button', { name: word('leave.stay') })).toBeFocused()
    await reach(anna, word('leave.end'))
    await anna.keyboard.press('Enter')
    for (const page of [anna, bert]) await expect(page.getByRole('toolbar')).toHaveCount(0)
  })
})

async function enter(page: Page): Promise<void> {
  for (const name of ['Microphone', 'Camera']) {
    await reach(page, name)
    await page.keyboard.press('Space')
    await expect(page.getByRole('button', { name, exact: true })).toHaveAttribute('aria-pressed', 'true')
  }
  await reach(page, 'Join')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('button', { name: 'Leave', exact: true })).toBeVisible()
}

/** Goes on with Tab, and with arrows inside a toolbar, until the control with that name has the focus. */
async function reach(page: Page, name: string | RegExp): Promise<void> {
  await there(page, name)
  const seen: string[] = []
  for (let stop = 0; stop < mostStops; stop++) {
    const { label, roving } = await focused(page)
    if (typeof name === 'string' ? label === name : name.test(label)) {
      await expectVisibleFocus(page)
      return
    }
    const again = seen.at(-1) === label
    seen.push(label)
    if (roving && !again && (await holds(page, name))) await page.keyboard.press('ArrowRight')
    else await page.keyboard.press('Tab')
  }
  throw new Error(`no way to ${name} by keyboard; the focus went ${seen.join(' → ')}`)
}

/** Waits for the page to show the control: keys that are pressed while it still loads lead nowhere. */
async function there(page: Page, name: string | RegExp): Promise<void> {
  const control = page.getByRole('button', { name }).or(page.getByLabel(name)).or(page.getByText(name))
  await expect(control.first()).toBeAttached()
}

/** The accessible name of what has the focus, and whether arrows move on from there. */
async function focused(page: Page): Promise<{ label: string; roving: boolean }> {
  return page.evaluate(() => {
    const element = document.activeElement
    if (!(element instanceof HTMLElement) || element === document.body) return { label: '', roving: false }
    const labelled = element.getAttribute('aria-labelledby')
    const byId = labelled?.split(' ').map(id => document.getElementById(id)?.textContent ?? '')
    const labels = 'labels' in element ? Array.from((element as HTMLInputElement).labels ?? []) : []
    const ofLabel = labels.map(label => label.textContent ?? '').join(' ')
    const text = element.getAttribute('aria-label') ?? byId?.join(' ') ?? (ofLabel || element.textContent) ?? ''
    const label = element instanceof HTMLSelectElement ? `choice of ${text.trim()}` : text.trim()
    return { label, roving: element.closest('[role=toolbar], [role=menu]') !== null }
  })
}

/** Whether the toolbar that has the focus holds the control. */
async function holds(page: Page, name: string | RegExp): Promise<boolean> {
  const toolbar = page.locator('[role=toolbar]:focus-within, [role=menu]:focus-within')
  const exact = typeof name === 'string'
  return (await toolbar.getByRole('button', { name, exact }).count()) > 0
}

/** WCAG 2.4.7 and 2.4.11: the focus can be seen and is not covered. */
async function expectVisibleFocus(page: Page): Promise<void> {
  const visible = await page.evaluate(() => {
    const element = document.activeElement
    if (!element) return false
    const box = element.getBoundingClientRect()
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2)
    const style = getComputedStyle(element)
    const marked = style.outlineStyle !== 'none' || style.boxShadow !== 'none' || element.matches('input, textarea')
    return marked && (element.contains(top) || top?.contains(element) === true)
  })
  expect(visible, 'the focus is visible').toBe(true)
}
