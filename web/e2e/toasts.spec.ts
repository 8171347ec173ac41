import type { Page } from '@playwright/test'
import { control, join } from './harness/acts'
import { people } from './harness/fixtures'
import { type Prepared, prepare } from './harness/prepared'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { word } from './harness/words'

/** Where toasts stand: they cover nothing that takes the focus, neither on the stage nor in a panel or the bar. */

let server: Server
let meetings: Prepared

test.beforeAll(async () => {
  server = await Server.start()
  meetings = await prepare(server)
})

test.afterAll(() => server.close())

for (const [width, height] of [
  [320, 640],
  [360, 740],
  [740, 360],
  [1280, 800],
] as const) {
  test(`toasts cover nothing that takes the focus: ${width} × ${height}`, async ({ seat }) => {
    const off = { microphone: false, camera: false }
    const host = await seat(server, { context: { viewport: { width, height } } })
    const page = await host.page()
    await join(page, meetings.link, { name: people.anna.name, ...off })
    const guests = await seat(server)
    const staying = await guests.page()
    await join(staying, meetings.link, { name: people.bert.name, ...off })
    const passing = await guests.page()
    for (const opened of ['', 'chat', 'people', 'layout']) {
      if (opened !== '') await open(page, word(`control.${opened}`))
      await join(passing, meetings.link, { name: people.cleo.name, ...off })
      await expect(page.locator('[data-toast]').last()).toBeVisible()
      expect(await covered(page), `with ${opened || 'nothing'} open`).toEqual([])
      await control(passing, 'Leave').click()
      await expect(control(passing, 'Leave')).toHaveCount(0) // a page that is left at once says nothing any more
      await passing.goto('about:blank')
      await page.keyboard.press('Escape')
    }
    await control(staying, 'Leave').click()
    await control(page, 'Leave').click()
  })
}

/** Presses a control in the bar, or under "More" where the bar has no room for it. */
async function open(page: Page, name: string): Promise<void> {
  const direct = control(page, name)
  if (await direct.isVisible()) await direct.click()
  else {
    await control(page, word('control.more')).click()
    await page.getByRole('menuitem', { name }).click()
  }
}

/** The names of what takes the focus and lies under a toast, even in part. */
function covered(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const boxes = [...document.querySelectorAll('[data-toast]')].map(toast => toast.getBoundingClientRect())
    const focusable = document.querySelectorAll<HTMLElement>('a[href], button, input, textarea, select, summary')
    const under = [...focusable].filter(element => {
      if (element.closest('[data-toast]') || !element.checkVisibility({ visibilityProperty: true })) return false
      const own = element.getBoundingClientRect()
      return boxes.some(
        box => own.left < box.right && box.left < own.right && own.top < box.bottom && box.top < own.bottom,
      )
    })
    return under.map(element => element.ariaLabel ?? element.textContent ?? element.tagName)
  })
}
