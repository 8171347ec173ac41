import { administrator } from './harness/acts'
import { people } from './harness/fixtures'
import { rulesFor } from './harness/rules'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { dress, looks } from './harness/tour'
import { expectFits } from './harness/widths'
import { word } from './harness/words'

/** What the server shows only once: the recovery key. */

for (const look of looks) {
  test(`the recovery key is shown once and kept nowhere, ${look.theme}, ${look.language}`, async ({ seat }) => {
    const server = await Server.start()
    try {
      const anna = await seat(server, { person: people.anna, context: { acceptDownloads: true } })
      await dress(anna, look)
      const page = await anna.page()
      const lines: string[] = []
      page.on('console', message => lines.push(message.text()))
      const say = (key: string) => word(key, look.language)
      await page.goto(server.setupLink)
      await page.getByLabel(say('join.name')).fill(administrator.name)
      await page.getByLabel(say('entry.email')).fill(administrator.email)
      await page.getByLabel(say('entry.password')).fill(administrator.password)
      await page.getByRole('main').locator('button[type=submit]').click()
      await expect(page.getByRole('heading', { name: say('recovery.title') })).toBeFocused()
      const key = (await page.locator('[data-recovery-key]').textContent()) ?? ''
      expect(key).toMatch(/^AGE-SECRET-KEY-1[A-Z0-9]{58}$/)

      // Marked and copied by hand, it is one piece.
      const marked = await page.locator('[data-recovery-key]').evaluate(block => {
        getSelection()?.selectAllChildren(block)
        return String(getSelection()).trim()
      })
      expect(marked).toBe(key)
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: say('recovery.download') }).click(),
      ])
      const text = await (await download.createReadStream()).toArray()
      expect(Buffer.concat(text).toString().split('\n')[0]).toBe(key)

      expect((await rulesFor(page).analyze()).violations).toEqual([])
      await expectFits(page, `key-${look.theme}-${look.language}`)

      // Leaving is asked about, as long as nothing is confirmed.
      const asked = page.waitForEvent('dialog')
      await page.close({ runBeforeUnload: true })
      const dialog = await asked
      expect(dialog.type()).toBe('beforeunload')
      await dialog.dismiss()
      await page.getByRole('button', { name: say('recovery.goOn') }).click()
      await expect(page.getByText(say('recovery.confirmFirst'))).toBeVisible()
      await page.getByLabel(say('recovery.stored')).check()
      await page.getByRole('button', { name: say('recovery.goOn') }).click()
      await expect(page.getByRole('button', { name: say('start.start') })).toBeVisible()

      const kept = await page.evaluate(() =>
        JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state]),
      )
      for (const place of [kept, page.url(), await page.content(), lines.join('\n'), server.log]) {
        expect(place).not.toContain(key)
      }
      await page.goBack()
      await expect(page.locator('[data-recovery-key]')).toHaveCount(0)
    } finally {
      await server.close()
    }
  })
}
