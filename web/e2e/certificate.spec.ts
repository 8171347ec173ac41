import { spawnSync } from 'node:child_process'
import { join, openPanel, say, tile } from './harness/acts'
import { Authority } from './harness/authority'
import { enter, Firefox, named, text } from './harness/firefox'
import { people } from './harness/fixtures'
import { brokenLine } from './harness/guard'
import { prepare } from './harness/prepared'
import { expectAudibleVoices, expectMovingVideos } from './harness/rtc'
import { binary, Server } from './harness/server'
import { expect, test } from './harness/test'
import { askUnchecked } from './harness/trust'

const patience = { timeout: 60_000 }

askUnchecked()

test('a certificate that expires during a call lets nobody in, and the call is back when it is renewed', async ({
  seat,
}) => {
  const authority = new Authority()
  authority.issue(24)
  const tls = ['--tls', 'files', '--tls-certificate', authority.certificate, '--tls-key', authority.key]
  const server = await Server.start({
    defaultMedia: true,
    args: [...tls, '--conference-resume-window', '10m'], // nobody is to lose the place while the test looks around
  })
  const firefox = await Firefox.open(undefined, authority.root)
  try {
    const { link } = await prepare(server)
    const chrome = await seat(server, { person: people.anna, trust: authority.root })
    const anna = await chrome.page()
    await join(anna, link, { name: people.anna.name })
    const fox = await firefox.browser.newPage()
    await enter(fox, `${server.address}${link}`, 'Felix Fuchs')
    const foxLost = () => fox.evaluate(() => document.querySelector('[data-lost-line]') !== null)
    const both = async (timeout?: number) => {
      for (const page of [anna, fox]) {
        await expectMovingVideos(page, 1, timeout)
        await expectAudibleVoices(page, 1, timeout)
      }
    }

    await test.step('both see and hear each other', () => both())

    await test.step('who is in stays while the connection lasts; who needs a new one is told that the line is lost', async () => {
      chrome.guard.allow(brokenLine)
      authority.issue(-1) // the front that runs does not take it up; the next one has no other
      process.kill(server.only('front').pid, 'SIGKILL')
      await expect(anna.locator('[data-lost-line]')).toBeVisible(patience)
      await expect.poll(foxLost, patience).toBe(true)
    })

    await test.step('a new visit meets the page of the browser', async () => {
      const visitor = await chrome.page()
      await expect(visitor.goto(link)).rejects.toThrow('ERR_CERT_DATE_INVALID')
      await visitor.close()
      const other = await firefox.browser.newPage()
      await expect(other.goto(`${server.address}${link}`)).rejects.toThrow(/EXPIRED_CERTIFICATE/)
      await other.close()
    })

    await test.step('doctor says what is wrong and what to do', () => {
      const where = ['--data', server.data, '--listen', '127.0.0.1:0', '--public-url', server.address]
      const { stdout } = spawnSync(binary, ['doctor', ...where, ...tls], { encoding: 'utf8' })
      expect(stdout).toMatch(/FAILED\s+certificate: The certificate ended on .*\n.*Renew it/)
    })

    await test.step('with the renewed certificate the call is back without action', async () => {
      authority.issue(24)
      await expect(anna.locator('[data-lost-line]')).toHaveCount(0, patience)
      await expect.poll(foxLost, patience).toBe(false)
      await openPanel(anna, 'Chat')
      await named(fox, 'button', 'Chat').click()
      await say(anna, 'still here')
      await expect.poll(() => text(fox), patience).toContain('still here')
      await expect(tile(anna, 'Felix Fuchs')).toBeVisible()
      await both(patience.timeout)
    })
  } finally {
    await firefox.close()
    await server.close()
    authority.close()
  }
})
