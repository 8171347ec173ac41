import { people } from './harness/fixtures'
import { freePort } from './harness/port'
import { rulesFor } from './harness/rules'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { dress, looks } from './harness/tour'
import { expectFits } from './harness/widths'
import { word } from './harness/words'

/** Milliseconds for one check: the page itself waits 12 s for a relay, and asks a second time another way. */
const patience = { timeout: 60_000 }

/** The page "Test my connection" against the real server with its relay by UDP; relay by TLS needs TLS, which this one has not. */
test('what works is shown, in every look', async ({ seat }) => {
  const server = await Server.start({ args: ['--turn-listen', `127.0.0.1:${await freePort()}`] })
  const show = async (look: (typeof looks)[number]) => {
    const anna = await seat(server, { person: people.anna })
    await dress(anna, look)
    const page = await anna.page()
    const say = (key: string) => word(key, look.language)
    await page.goto('/')
    await page.getByRole('link', { name: say('connection.link') }).click()
    const row = (key: string) => page.getByRole('listitem').filter({ hasText: say(key) })
    for (const check of ['browser', 'secure', 'server', 'socket', 'udp', 'relayUdp']) {
      await expect(row(`test.${check}`).first()).toContainText(say('test.result.good'), patience)
    }
    await expect(row('test.relayTls')).toContainText(say('test.result.absent')) // without TLS there is none
    await expect(page.getByRole('status').filter({ hasText: say('test.verdict.good') })).toBeVisible()
    await expect(row('control.camera')).toContainText(say('test.device.present'))
    await page.getByRole('button', { name: say('test.tryDevices') }).click()
    for (const device of ['microphone', 'camera']) {
      await expect(row(`control.${device}`)).toContainText(say('test.device.good'))
    }
    expect((await rulesFor(page).analyze()).violations).toEqual([])
    await expectFits(page, `test-${look.theme}-${look.language}`)
  }
  try {
    await Promise.all(looks.map(show)) // each waits for most of its time
  } finally {
    await server.close()
  }
})
