import type { Page } from '@playwright/test'
import { administrator, control, join, signIn } from './harness/acts'
import type { Seat } from './harness/browser'
import { people } from './harness/fixtures'
import { brokenLine } from './harness/guard'
import { type Prepared, prepare } from './harness/prepared'
import { rulesFor } from './harness/rules'
import { Server } from './harness/server'
import { expect, type OpenSeat, test } from './harness/test'
import { dress, type Look, provoked, tourConference, tourInside, tourOutside } from './harness/tour'
import { word } from './harness/words'

const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
/** Those of their rules that colours decide: all that can differ between the themes. */
const aboutColours = ['color-contrast', 'link-in-text-block']

let server: Server
let meetings: Prepared

test.beforeAll(async () => {
  server = await Server.start()
  meetings = await prepare(server)
})

test.afterAll(() => server.close())

for (const language of ['en', 'de'] as const) {
  const look: Look = { theme: 'light', language }
  test(`axe finds nothing in light and in dark: ${language}`, async ({ seat }) => {
    test.setTimeout(600_000) // every screen, and each looked at twice
    const found: string[] = []
    const visit = async (name: string, page: Page) => {
      found.push(...(await examine(name, page)))
    }
    const stranger = await open(seat, look)
    stranger.guard.allow(provoked)
    await tourOutside(stranger, look, meetings.link, meetings.closed, visit)
    const host = await open(seat, look)
    host.guard.allow(provoked, brokenLine)
    const page = await host.page()
    await signIn(page, administrator, look.language)
    await tourInside(page, look, meetings.link, visit)
    const visitor = await open(seat, look)
    visitor.guard.allow(provoked, brokenLine)
    const guest = await visitor.page()
    await join(page, meetings.link, { language: look.language })
    await join(guest, meetings.link, { name: people.bert.name, language: look.language })
    await tourConference(page, guest, server.pausableWorker(), look, visit)
    await control(guest, word('control.leave', look.language)).click()
    expect(found).toEqual([])
  })
}

async function open(seat: OpenSeat, look: Look): Promise<Seat> {
  const opened = await seat(server, { context: { viewport: { width: 1280, height: 800 } } })
  await dress(opened, look)
  return opened
}

/** Each violation in one line: the screen and its theme, the rule, what is wrong, where. Leaves the page light, as it came. */
async function examine(name: string, page: Page): Promise<string[]> {
  const found: string[] = []
  const grounds = new Set<string>()
  const themes = [
    ['dark', rulesFor(page).withRules(aboutColours)],
    ['light', rulesFor(page).withTags(standards)],
  ] as const
  for (const [theme, axe] of themes) {
    grounds.add(await paint(page, theme))
    const { violations } = await axe.analyze()
    for (const { id, help, nodes } of violations) {
      found.push(...nodes.map(node => `${name}, ${theme}: ${id}: ${help}: ${node.target.join(' ')}`))
    }
  }
  expect(grounds.size, `grounds of ${name} in dark and light`).toBe(themes.length)
  return found
}

/**
 * Shows the page in a theme as if a person had chosen it (by the system's theme a conference would always be dark), lets
 * the colours arrive, and returns that of the ground.
 */
function paint(page: Page, theme: Look['theme']): Promise<string> {
  return page.evaluate(chosen => {
    document.documentElement.dataset['theme'] = chosen
    const moving = () =>
      document.getAnimations().filter(each => each instanceof CSSTransition && each.playState === 'running')
    for (let all = moving(); all.length > 0; all = moving()) for (const each of all) each.finish()
    return getComputedStyle(document.documentElement).backgroundColor
  }, theme)
}
