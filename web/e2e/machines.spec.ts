import { administrator, signIn } from './harness/acts'
import { people } from './harness/fixtures'
import { prepare } from './harness/prepared'
import { rulesFor } from './harness/rules'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { dress, looks } from './harness/tour'
import { expectFits } from './harness/widths'
import { word } from './harness/words'

/** A user administrator adds a machine, whose program gets in with what is shown; removed, it is out at once. */
test('machines are added, get in and are removed', async ({ seat }) => {
  const server = await Server.start()
  try {
    await prepare(server)
    for (const look of looks.filter(each => (each.theme === 'light') === (each.language === 'de'))) {
      const say = (key: string) => word(key, look.language)
      const anna = await seat(server, { person: people.anna })
      anna.guard.allow(/Failed to load resource.*\/machines/) // the refusal
      await dress(anna, look)
      const page = await anna.page()
      await signIn(page, administrator, look.language)
      await page.goto('/account')
      await page.getByRole('link', { name: say('account.machines'), exact: true }).click()
      await expect(page.getByText(say('machines.none'))).toBeVisible()
      const form = page.locator('form')
      await form.getByLabel(say('machines.name'), { exact: true }).fill('Kalender')
      await form.getByRole('button', { name: say('machines.addNow'), exact: true }).click()
      await expect(form.getByText(say('error.scope.invalid'))).toBeVisible()
      await form.getByRole('checkbox', { name: say('scope.users.read') }).check()
      await form.getByRole('button', { name: say('machines.addNow'), exact: true }).click()
      const row = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'Kalender' }) })
      await expect(row.getByText(say('machines.unused'))).toBeVisible()
      expect((await rulesFor(page).analyze()).violations).toEqual([])
      await expectFits(page, `machines-${look.theme}-${look.language}`)

      const [id, secret] = await page.getByRole('status').locator('code').allTextContents()
      const given = await fetch(`${server.address}/api/v1/oauth/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      })
      const { access_token: token } = (await given.json()) as { access_token: string }
      const read = async () =>
        (await fetch(`${server.address}/api/v1/users`, { headers: { authorization: `Bearer ${token}` } })).status
      expect(await read()).toBe(200)
      await row.getByRole('button', { name: say('machines.remove'), exact: true }).click()
      await row.getByRole('button', { name: say('machines.removeNow'), exact: true }).click()
      await expect(page.getByText(say('machines.none'))).toBeVisible()
      expect(await read()).toBe(401)
    }
  } finally {
    await server.close()
  }
})
