import { administrator, join, signIn } from './harness/acts'
import { people } from './harness/fixtures'
import { prepare } from './harness/prepared'
import { rulesFor } from './harness/rules'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { dress, looks } from './harness/tour'
import { expectFits } from './harness/widths'
import { word } from './harness/words'

/** What administrators see of the running conferences. */
test('the running conferences and their isolation', async ({ seat }) => {
  const server = await Server.start()
  try {
    const { link } = await prepare(server)
    const bert = await (await seat(server, { person: people.bert })).page()
    await join(bert, link, { name: people.bert.name, camera: false })
    for (const look of looks) {
      const anna = await seat(server, { person: people.anna })
      await dress(anna, look)
      const page = await anna.page()
      await signIn(page, administrator, look.language)
      await page.goto('/account')
      await page.getByRole('link', { name: word('account.conferences', look.language) }).click()
      const card = page.getByRole('listitem').filter({ hasText: 'Council' }).first()
      await expect(card).toContainText(word('conferences.people_one', look.language, { count: '1' }))
      expect((await rulesFor(page).analyze()).violations).toEqual([])
      await expectFits(page, `conferences-${look.theme}-${look.language}`)
    }
  } finally {
    await server.close()
  }
})
