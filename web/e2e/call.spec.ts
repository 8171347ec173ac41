import type { Locator, Page } from '@playwright/test'
import { colleague, control, join, messages, openPanel, say, setUp, signIn, startMeeting, tile } from './harness/acts'
import type { Seat } from './harness/browser'
import { people } from './harness/fixtures'
import { brokenLine } from './harness/guard'
import { canMakeIslands, Island } from './harness/island'
import { expectAudibleVoices, expectMovingVideos, shown } from './harness/rtc'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { word } from './harness/words'

const cutLength = 10_000 // milliseconds
/** Widths of the three layers of a camera: 320, 640, 1280. */
const smallLayer = 480
const largeLayer = 1000

let server: Server
let island: Island | undefined

test.beforeAll(async () => {
  island = canMakeIslands() ? Island.make() : undefined
  server = await Server.start({ mediaAddresses: island ? [island.shore] : [] })
  await island?.reach(server.port)
})

test.afterAll(async () => {
  await server.close()
  island?.close()
})

test('two accounts and two guests hold the first call', async ({ seat }) => {
  test.setTimeout(420_000)
  const seats: Record<'anna' | 'bert' | 'cleo' | 'dora', Seat> = {
    anna: await seat(server, { person: people.anna }),
    bert: await seat(server, { person: people.bert }),
    cleo: await seat(server, { person: people.cleo, ...(island && { island }) }),
    dora: await seat(server, { person: people.dora }),
  }
  const [anna, bert, cleo, dora] = await Promise.all([
    seats.anna.page(),
    seats.bert.page(),
    seats.cleo.page(),
    seats.dora.page(),
  ])
  const everybody = [anna, bert, cleo, dora]
  let link = ''

  await test.step('the administrator sets up, starts a meeting and goes in', async () => {
    await setUp(anna, server)
    link = await startMeeting(anna)
    await join(anna, link)
  })

  await test.step('an account and two guests join', async () => {
    server.addUser(colleague.email, colleague.name, colleague.password)
    await signIn(dora, colleague)
    await join(dora, link)
    await join(bert, link, { name: people.bert.name })
    await join(cleo, link, { name: people.cleo.name })
    for (const page of everybody) {
      for (const person of Object.values(people)) await expect(tile(page, person.name)).toBeVisible()
    }
  })

  await test.step('everybody sees and hears everybody', async () => {
    for (const page of everybody) await expectMovingVideos(page, 3)
    for (const page of everybody) await expectAudibleVoices(page, 3)
  })

  await test.step('small tiles get a small layer, the pinned tile a large one', async () => {
    await anna.setViewportSize({ width: 700, height: 500 })
    await expect.poll(() => widths(anna), { timeout: 60_000 }).toEqual(['small', 'small', 'small'])
    const chosen = tile(anna, people.bert.name)
    await chosen.hover()
    await anna.setViewportSize({ width: 1600, height: 1000 })
    await chosen.getByRole('button', { name: /pin/i }).click()
    await expect
      .poll(async () => largest(anna), { timeout: 60_000 })
      .toBe(await chosen.getAttribute('data-participant'))
    await anna.setViewportSize({ width: 1000, height: 700 })
  })

  await test.step('a shared screen arrives and goes', async () => {
    await shareScreen(bert)
    for (const page of [anna, cleo, dora]) {
      await expect(tile(page, people.bert.name, 'screen')).toBeVisible()
      await expectMovingVideos(page, 4)
    }
    await control(bert, 'Share screen').click()
    for (const page of everybody) await expect(tile(page, people.bert.name, 'screen')).toHaveCount(0)
  })

  await test.step('messages arrive everywhere in the same order', async () => {
    for (const page of everybody) await openPanel(page, 'Chat')
    for (const [round, page] of [...everybody, ...everybody].entries()) await say(page, `message ${round}`)
    const sent = Array.from({ length: 8 }, (_, round) => `message ${round}`)
    // An own message stands last until it is acknowledged, so that what one of them sees may still change.
    const views = () => Promise.all(everybody.map(messages))
    await expect.poll(async () => (await views()).map(view => view.sort())).toEqual(everybody.map(() => sent))
    await expect.poll(async () => new Set((await views()).map(view => view.join('\n'))).size).toBe(1)
  })

  await test.step('a reloaded tab is back without action', async () => {
    await bert.reload()
    await expect(control(bert, 'Leave')).toBeVisible()
    await expectMovingVideos(bert, 3)
    for (const page of [anna, cleo, dora]) {
      await expect(tile(page, people.bert.name)).toHaveCount(1)
      await expectMovingVideos(page, 3)
      await expectAudibleVoices(page, 3)
    }
  })

  await test.step('a network that is cut for 10 seconds is back without action', async () => {
    if (!island) {
      test.info().annotations.push({ type: 'left out', description: 'cutting a network takes root and the ip tool' })
      return
    }
    seats.cleo.guard.allow(brokenLine)
    await island.cut(cutLength, () => expect(reconnecting(cleo)).toBeVisible())
    await say(anna, 'welcome back')
    await expect.poll(async () => (await messages(cleo)).at(-1), { timeout: 60_000 }).toBe('welcome back')
    await expectMovingVideos(cleo, 3, 60_000)
    await expectAudibleVoices(cleo, 3, 60_000)
    for (const page of [anna, bert, dora]) await expectMovingVideos(page, 3, 60_000)
    await expect(reconnecting(cleo)).toHaveCount(0)
  })

  await test.step('each conference is a process of its own', async () => {
    const [first] = server.workers()
    const controller = server.processes().find(process => process.verb === 'controller')
    expect(first).toBeDefined()
    expect(controller?.pid).not.toBe(first?.pid)
    const other = await seats.dora.page()
    await other.goto('/')
    await join(other, await startMeeting(other), { camera: false })
    expect(server.workers()).toHaveLength(2)
    expect(new Set(server.processes().map(process => process.pid)).size).toBe(server.processes().length)
  })

  await test.step('the host ends the meeting for all', async () => {
    await control(anna, 'Leave').click()
    await anna.getByRole('button', { name: word('leave.end') }).click()
    for (const page of everybody) {
      await expect(control(page, 'Leave')).toHaveCount(0)
      await expect(page.getByRole('heading', { name: /ended|over/i })).toBeVisible()
    }
  })
})

/** Whether each video of others that the page shows is small or large, by the layer that is received. */
async function widths(page: Page): Promise<string[]> {
  const videos = await shown(page)
  return videos.filter(video => !video.own).map(video => (video.frameWidth <= smallLayer ? 'small' : 'large'))
}

/** The participant of the one video that is received large. */
async function largest(page: Page): Promise<string | undefined> {
  const large = (await shown(page)).filter(video => !video.own && video.frameWidth >= largeLayer)
  return large.length === 1 ? large[0]?.participant : undefined
}

async function shareScreen(page: Page): Promise<void> {
  await control(page, 'Share screen').click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: word('share.start') })
    .click()
}

function reconnecting(page: Page): Locator {
  return page.getByRole('main').locator('[data-lost-line]')
}
