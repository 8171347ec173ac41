import { join as joinPath } from 'node:path'
import type { Page } from '@playwright/test'
import { administrator, control, join, openPanel, say, signIn, tile } from './harness/acts'
import { enter, Firefox, text } from './harness/firefox'
import { people } from './harness/fixtures'
import { brokenLine } from './harness/guard'
import { canMakeIslands, Island } from './harness/island'
import { prepare } from './harness/prepared'
import { expectAudibleVoices, expectMovingVideos, ways } from './harness/rtc'
import { Server, type ServerOptions } from './harness/server'
import { expect, test } from './harness/test'
import { askUnchecked } from './harness/trust'
import { word } from './harness/words'

const port = 443
const host = 'meet.test' // known to the walled-in browser alone
const patience = { timeout: 60_000 }

let server: Server
let island: Island

test.skip(!canMakeIslands(), 'walling a browser in takes root and the ip and nft tools')

askUnchecked()

test.beforeAll(async () => {
  island = Island.make()
  server = await Server.start({
    listen: `${island.shore}:${port}`,
    mediaAddresses: [island.shore],
    args: ['--tls', 'local-ca', '--public-url', `https://${island.shore}`],
  })
  island.confine(port)
})

/** Another server, and a wall around it that lets nothing in but its one port. */
async function another(address: (island: Island) => Partial<ServerOptions> & { readonly publicHost: string }) {
  const island = Island.make()
  try {
    const { publicHost, ...options } = address(island)
    const args = ['--tls', 'local-ca', '--public-url', `https://${publicHost}`]
    const server = await Server.start({ ...options, args })
    island.confine(port)
    return { island, server, trust: joinPath(server.data, 'tls', 'local-ca.crt') }
  } catch (error) {
    island.close()
    throw error
  }
}

test.afterAll(async () => {
  await server?.close()
  island?.close()
})

test('a browser that reaches nothing but TCP 443 has audio and video', async ({ seat }) => {
  const trust = joinPath(server.data, 'tls', 'local-ca.crt')
  const { link } = await prepare(server)
  const seats = [
    await seat(server, { person: people.anna, trust }),
    await seat(server, { person: people.cleo, trust, island }),
  ] as const
  const [anna, cleo] = [await seats[0].page(), await seats[1].page()]

  await signIn(anna, administrator)
  await join(anna, link)
  await join(cleo, link, { name: people.cleo.name })

  await test.step('HTTP/2 is spoken on the port that relays media as well', async () => {
    const protocols = await cleo.evaluate(() =>
      performance.getEntriesByType('navigation').map(entry => (entry as PerformanceNavigationTiming).nextHopProtocol),
    )
    expect(protocols).toEqual(['h2'])
  })

  await test.step('both see and hear each other', async () => {
    await expect(tile(anna, people.cleo.name)).toBeVisible()
    for (const page of [anna, cleo]) {
      await expectMovingVideos(page, 1)
      await expectAudibleVoices(page, 1)
    }
  })

  await test.step('the media of the walled-in browser goes through the relay, the other one directly', async () => {
    await expect.poll(() => kinds(cleo)).toEqual(['relay by tls'])
    await expect.poll(() => kinds(anna)).toEqual(['host by udp'])
  })

  await test.step('relayed media goes on while the controller is dead and when it is back', async () => {
    for (const { guard } of seats) guard.allow(brokenLine)
    process.kill(server.only('controller').pid, 'SIGKILL')
    await expectMovingVideos(cleo, 1)
    await expectMovingVideos(anna, 1)
    await openPanel(anna, 'Chat')
    await say(anna, 'still here')
    await openPanel(cleo, 'Chat')
    await expect(cleo.getByText('still here', { exact: true })).toBeVisible()
    await expectMovingVideos(cleo, 1)
  })

  await test.step('a front that dies is back, and with it the relay', async () => {
    const lost = new Set((await ways(cleo)).map(way => way.end))
    process.kill(server.only('front').pid, 'SIGKILL')
    const anew = async () => {
      const now = await ways(cleo)
      return now.length > 0 && now.every(way => !lost.has(way.end))
    }
    await expect.poll(anew, { message: 'media by another way than before', ...patience }).toBe(true)
    await expectMovingVideos(anna, 1, patience.timeout)
    await expectMovingVideos(cleo, 1, patience.timeout)
    expect(await kinds(cleo)).toEqual(['relay by tls'])
  })

  await control(cleo, 'Leave').click()
})

/** Each kind of way on which the page's media travels. */
async function kinds(page: Page): Promise<string[]> {
  return [...new Set((await ways(page)).map(way => way.kind))]
}

test('a Firefox that reaches nothing but TCP 443 has audio and video, where the server has a name', async ({
  seat,
}) => {
  const { island, server, trust } = await another(({ shore }) => ({
    listen: `${shore}:${port}`,
    mediaAddresses: [shore],
    publicHost: host,
    reached: `https://${shore}`,
  }))
  island.name(host)
  try {
    const firefox = await Firefox.open(island, trust)
    try {
      const { link } = await prepare(server)
      const anna = await (await seat(server, { person: people.anna, trust })).page()
      await join(anna, link, { name: people.anna.name })
      const fox = await firefox.browser.newPage()
      await enter(fox, `https://${host}${link}`, 'Felix Fuchs')
      await expect(tile(anna, 'Felix Fuchs')).toBeVisible()
      for (const page of [anna, fox]) {
        await expectMovingVideos(page, 1)
        await expectAudibleVoices(page, 1)
      }
    } finally {
      await firefox.close()
    }
  } finally {
    await server.close()
    island.close()
  }
})

test('Firefox is told that it passes over a relay at a number', async () => {
  const firefox = await Firefox.open(island, joinPath(server.data, 'tls', 'local-ca.crt'))
  try {
    const fox = await firefox.browser.newPage()
    await fox.goto(`${server.address}/test`)
    await expect.poll(() => text(fox), patience).toContain(word('test.verdict.unknown'))
    expect(await text(fox)).toContain(word('test.relayTls.ignored'))
  } finally {
    await firefox.close()
  }
})

test('a browser that reaches nothing but TCP 443 by IPv6 has audio and video', async ({ seat }) => {
  const { island, server, trust } = await another(({ shore6 }) => ({
    listen: `[${shore6}]:${port}`,
    mediaAddresses: [shore6],
    publicHost: `[${shore6}]`,
  }))
  try {
    const { link } = await prepare(server)
    const anna = await (await seat(server, { person: people.anna, trust })).page()
    const cleo = await (await seat(server, { person: people.cleo, trust, island })).page()
    await join(anna, link, { name: people.anna.name })
    await join(cleo, link, { name: people.cleo.name })
    for (const page of [anna, cleo]) {
      await expectMovingVideos(page, 1)
      await expectAudibleVoices(page, 1)
    }
    await expect.poll(() => kinds(cleo)).toEqual(['relay by tls'])
  } finally {
    await server.close()
    island.close()
  }
})
