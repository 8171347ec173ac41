import { administrator, join, signIn } from './harness/acts'
import { people } from './harness/fixtures'
import { prepare } from './harness/prepared'
import { rulesFor } from './harness/rules'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { dress, looks } from './harness/tour'
import { expectFits } from './harness/widths'
import { word } from './harness/words'

/** Signing out in one window ends the call in the other, which says so and offers to sign in again. */
test('who signs out is out of the meeting', async ({ seat }) => {
  const server = await Server.start()
  try {
    const { link } = await prepare(server)
    const bert = await (await seat(server, { person: people.bert })).page()
    await join(bert, link, { name: people.bert.name, camera: false })
    for (const look of looks) {
      const { language } = look
      const anna = await seat(server, { person: people.anna })
      await dress(anna, look)
      const page = await anna.page()
      await signIn(page, administrator, language)
      await join(page, link, { language, camera: false })
      const other = await anna.page()
      await other.goto('/account')
      await other.getByRole('button', { name: word('account.signOut', language), exact: true }).click()
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(word('ended.signedOut.title', language))
      await expect(page.getByText(word('ended.signedOut.text', language))).toBeVisible()
      expect((await rulesFor(page).analyze()).violations).toEqual([])
      await expectFits(page, `signed-out-${look.theme}-${language}`)
      await page
        .getByRole('main')
        .getByRole('link', { name: word('action.signIn', language) })
        .click()
      await page.waitForURL(`**/signin?next=${encodeURIComponent(link)}`)
      await page.close() // what it still asks for would break off with the server
    }
    await expect(bert.getByRole('button', { name: word('control.leave'), exact: true })).toBeVisible()
  } finally {
    await server.close()
  }
})
