import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { administrator, control, join, signIn } from './harness/acts'
import type { Seat } from './harness/browser'
import { people } from './harness/fixtures'
import { brokenLine } from './harness/guard'
import { type Prepared, prepare } from './harness/prepared'
import { Server } from './harness/server'
import { expect, type OpenSeat, test } from './harness/test'
import { dress, type Look, looks, provoked, tourConference, tourInside, tourOutside } from './harness/tour'
import { word } from './harness/words'

const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

let server: Server
let meetings: Prepared

test.beforeAll(async () => {
  server = await Server.start()
  meetings = await prepare(server)
})

test.afterAll(() => server.close())

for (const look of looks) {
  test(`axe finds nothing: ${look.theme}, ${look.language}`, async ({ seat }) => {
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

/** Each violation in one line: the screen, the rule, what is wrong, where. */
async function examine(name: string, page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(standards).analyze()
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(node => `${name}: ${id}: ${help}: ${node.target.join(' ')}`),
  )
}
