import type { Page } from '@playwright/test'
import { control, join } from './harness/acts'
import { people } from './harness/fixtures'
import { type Prepared, prepare } from './harness/prepared'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { word } from './harness/words'

/** Where toasts stand: they cover nothing that takes the focus, neither on the stage nor in a panel or the bar, and no name where there is room. */

let server: Server
let meetings: Prepared

test.beforeAll(async () => {
  server = await Server.start()
  meetings = await prepare(server)
})

test.afterAll(() => server.close())

const focusable = 'a[href], button, input, textarea, select, summary'

/** From this height of the window on the tiles have room for a toast above the names. */
const namesFrom = 800

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
      const wanted = height >= namesFrom ? `${focusable}, [data-caption]` : focusable
      expect(await covered(page, wanted), `with ${opened || 'nothing'} open`).toEqual([])
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

/** The names of what is looked for and lies under a toast, even in part, when the tiles have come to rest. */
function covered(page: Page, wanted: string): Promise<string[]> {
  return page.evaluate(async selector => {
    const moves = document.getAnimations().filter(each => each instanceof CSSTransition)
    await Promise.all(moves.map(each => each.finished.catch(() => undefined)))
    const boxes = [...document.querySelectorAll('[data-toast]')].map(toast => toast.getBoundingClientRect())
    const under = [...document.querySelectorAll<HTMLElement>(selector)].filter(element => {
      if (element.closest('[data-toast]') || !element.checkVisibility({ visibilityProperty: true })) return false
      const own = element.getBoundingClientRect()
      return boxes.some(
        box => own.left < box.right && box.left < own.right && own.top < box.bottom && box.top < own.bottom,
      )
    })
    return under.map(element => element.ariaLabel ?? element.textContent ?? element.tagName)
  }, wanted)
}
