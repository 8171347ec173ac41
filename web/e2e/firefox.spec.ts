import { networkInterfaces } from 'node:os'
import type { Page as FirefoxPage } from 'puppeteer-core'
import { administrator, control, join, openPanel, say, signIn, tile } from './harness/acts'
import { Firefox } from './harness/firefox'
import { people } from './harness/fixtures'
import { canMakeIslands, Island } from './harness/island'
import { prepare } from './harness/prepared'
import { expectAudibleVoices, expectMovingVideos, recordConnections } from './harness/rtc'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { word } from './harness/words'

const cutLength = 10_000 // milliseconds
const patience = { timeout: 40_000 }

let server: Server
let island: Island | undefined
let firefox: Firefox

test.beforeAll(async () => {
  island = canMakeIslands() ? Island.make() : undefined
  // Firefox reaches no media on loopback addresses.
  server = await Server.start({ mediaAddresses: island ? [island.shore] : ownAddresses() })
  await island?.reach(server.port)
  firefox = await Firefox.open(island)
})

test.afterAll(async () => {
  await firefox.close()
  await server.close()
  island?.close()
})

test('Firefox joins, sends, receives and comes back after a cut', async ({ seat }) => {
  test.setTimeout(180_000)
  const anna = await (await seat(server, { person: people.anna })).page()
  const { link } = await prepare(server)
  await signIn(anna, administrator)
  await join(anna, link)

  const fox = await firefox.browser.newPage()
  const complaints = watch(fox)
  await fox.evaluateOnNewDocument(recordConnections)
  await fox.goto(`${server.address}${link}`)
  await named(fox, 'textbox', 'Your name').fill('Felix Fuchs')
  await named(fox, 'button', 'Microphone').click()
  await named(fox, 'button', 'Camera').click()
  await named(fox, 'button', 'Join').click()
  await named(fox, 'button', 'Leave').wait()

  await test.step('both see and hear each other', async () => {
    await expect(tile(anna, 'Felix Fuchs')).toBeVisible()
    await expectMovingVideos(anna, 1)
    await expectAudibleVoices(anna, 1)
    await expectProgress(fox)
  })

  await test.step('messages go both ways', async () => {
    await openPanel(anna, 'Chat')
    await say(anna, 'Hello Firefox')
    await named(fox, 'button', 'Chat').click()
    await expect.poll(() => text(fox)).toContain('Hello Firefox')
    await named(fox, 'textbox', 'Message').fill('Hello Chromium')
    await named(fox, 'button', 'Send').click()
    await expect(anna.getByText('Hello Chromium', { exact: true })).toBeVisible()
  })

  await test.step('a network that is cut for 10 seconds is back without action', async () => {
    if (!island) {
      test.info().annotations.push({ type: 'left out', description: 'cutting a network takes root and the ip tool' })
      return
    }
    const healed = island.cut(cutLength)
    await expect.poll(() => text(fox), { timeout: cutLength }).toContain(word('conference.reconnecting'))
    await expectStandstill(fox)
    await healed
    await say(anna, 'welcome back')
    await expect.poll(() => text(fox), patience).toContain('welcome back')
    await expectProgress(fox)
    await expectMovingVideos(anna, 1, patience.timeout)
    await expect.poll(() => text(fox), patience).not.toContain(word('conference.reconnecting'))
  })

  await named(fox, 'button', 'Leave').click()
  await expect(tile(anna, 'Felix Fuchs')).toHaveCount(0)
  await expect(control(anna, 'Leave')).toBeVisible()
  expect(complaints).toEqual([])
})

/** The addresses of this machine by which others reach it. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
  return all.filter(each => each.family === 'IPv4' && !each.internal).map(each => each.address)
}

/** What the page complains about; lost connections are what the test provokes. */
function watch(page: FirefoxPage): string[] {
  const complaints: string[] = []
  const expected = /NetworkError|WebSocket|connection to|interrupted while the page was loading/i
  page.on('pageerror', error => {
    if (!expected.test(String(error))) complaints.push(String(error))
  })
  page.on('console', message => {
    if (message.type() === 'error' && !expected.test(message.text())) complaints.push(message.text())
  })
  return complaints
}

/** A control by its role and exact name, as assistive technology finds it. */
function named(page: FirefoxPage, role: 'button' | 'textbox', name: string) {
  return page.locator(`::-p-aria([name="${name}"][role="${role}"])`).setTimeout(20_000)
}

/** What the conference says, without what is only announced. */
function text(page: FirefoxPage): Promise<string> {
  return page.evaluate(() => document.querySelector('main')?.innerText ?? '')
}

interface Sums {
  /** video frames decoded */
  readonly video: number
  /** energy heard */
  readonly audio: number
}

/** What all living connections of the page have received so far. */
function sums(page: FirefoxPage): Promise<Sums> {
  return page.evaluate(async () => {
    const connections = (globalThis as { konklaveConnections?: RTCPeerConnection[] }).konklaveConnections ?? []
    const total = { video: 0, audio: 0 }
    for (const connection of connections) {
      if (connection.connectionState === 'closed') continue
      for (const stat of (await connection.getStats()).values()) {
        if (stat.type !== 'inbound-rtp') continue
        if (stat.kind === 'video') total.video += stat.framesDecoded ?? 0
        else total.audio += stat.totalAudioEnergy ?? 0
      }
    }
    return total
  })
}

/** Waits until a remote video and a remote voice go on. A connection that is replaced begins to count anew. */
async function expectProgress(page: FirefoxPage): Promise<void> {
  let least = await sums(page)
  const grown = async () => {
    const now = await sums(page)
    least = { video: Math.min(least.video, now.video), audio: Math.min(least.audio, now.audio) }
    return { video: now.video > least.video, audio: now.audio > least.audio }
  }
  await expect.poll(grown, patience).toEqual({ video: true, audio: true })
}

/** Waits until nothing arrives any more between two looks, which lie further apart than frames do. */
async function expectStandstill(page: FirefoxPage): Promise<void> {
  let before = await sums(page)
  const changed = async () => {
    const now = await sums(page)
    const still = now.video === before.video && now.audio === before.audio
    before = now
    return !still
  }
  await expect.poll(changed, { timeout: cutLength, intervals: [1_000] }).toBe(false)
}
