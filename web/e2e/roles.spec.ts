import type { Page } from '@playwright/test'
import { administrator, colleague, join, signIn } from './harness/acts'
import { people } from './harness/fixtures'
import { prepare } from './harness/prepared'
import { rulesFor } from './harness/rules'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { dress, looks } from './harness/tour'
import { expectFits } from './harness/widths'
import { word } from './harness/words'

/** A user administrator gives roles, learns which do not go together, and keeps a person out of a running meeting. */
test('roles are given and accounts are disabled', async ({ seat }) => {
  const server = await Server.start({ args: ['--access-approvals', 'off'] }) // with a second person: approvals.spec.ts
  try {
    const { link } = await prepare(server)
    server.addUser(colleague.email, colleague.name, colleague.password)
    for (const look of looks) {
      const say = (key: string, parameters?: Readonly<Record<string, string>>) => word(key, look.language, parameters)
      const anna = await seat(server, { person: people.anna })
      anna.guard.allow(/Failed to load resource.*\/roles/) // the refusal
      await dress(anna, look)
      const page = await anna.page()
      await signIn(page, administrator, look.language)
      const dora = await seat(server, { person: people.dora })
      await dress(dora, look)
      const call = await dora.page()
      await signIn(call, colleague, look.language)
      await join(call, link, { language: look.language, camera: false })

      await page.goto('/account')
      await leadsToSections(page, say)
      const row = page.getByRole('listitem').filter({ hasText: colleague.email })
      await row.getByRole('button', { name: say('users.editOf', { name: colleague.name }) }).click()
      const role = (name: string) => row.getByRole('checkbox', { name: say(`role.${name}`), exact: true })
      await role('operator').check()
      await role('auditor').check()
      await row.getByRole('button', { name: say('users.saveRoles') }).click()
      await expect(row.getByText(say('error.role.conflict'))).toBeVisible()
      expect((await rulesFor(page).analyze()).violations).toEqual([])
      await expectFits(page, `roles-${look.theme}-${look.language}`)
      if (look === looks[0]) await takesTheOwnData(page, say)
      await role('operator').uncheck()
      await row.getByRole('button', { name: say('users.saveRoles') }).click()
      await expect(row.getByText(say('role.auditor'), { exact: false }).first()).toBeVisible()
      await expect(page.getByText(say('users.rolesSaved', { name: colleague.name })).first()).toBeVisible()
      await expect(call.getByRole('button', { name: say('control.leave'), exact: true })).toBeVisible()

      await row.getByRole('button', { name: say('users.editOf', { name: colleague.name }) }).click()
      await row.getByRole('button', { name: say('users.disable') }).click()
      await expect(row.getByText(say('users.disabled'), { exact: true })).toBeVisible()
      await expect(call.getByRole('heading', { level: 1 })).toHaveText(say('ended.signedOut.title'))
      await row.getByRole('button', { name: say('users.enable') }).click()
      await expect(page.getByText(say('users.isEnabled', { name: colleague.name })).first()).toBeVisible()
      await row.getByRole('checkbox', { name: say('role.auditor'), exact: true }).uncheck()
      await row.getByRole('button', { name: say('users.saveRoles') }).click()
      await expect(row.getByText(`${say('role.user')}, ${say('role.auditor')}`)).toHaveCount(0)

      const email = `fritz-${look.language}@example.org`
      server.addUser(email, 'Fritz', colleague.password)
      await page.reload()
      const leaving = page.getByRole('listitem').filter({ hasText: email })
      await leaving.getByRole('button', { name: say('users.editOf', { name: 'Fritz' }) }).click()
      await leaving.getByRole('button', { name: say('erase.open') }).click()
      const dialog = page.getByRole('dialog', { name: say('erase.title') })
      await dialog.getByRole('textbox', { name: say('erase.type') }).fill(colleague.email)
      await dialog.getByRole('button', { name: say('erase.confirm') }).click()
      await expect(dialog.getByText(say('erase.differs'))).toBeVisible()
      expect((await rulesFor(page).analyze()).violations).toEqual([])
      await expectFits(page, `erase-${look.theme}-${look.language}`)
      await dialog.getByRole('textbox', { name: say('erase.type') }).fill(email)
      await dialog.getByRole('button', { name: say('erase.confirm') }).click()
      await expect(page.getByText(say('erase.done', { name: 'Fritz' })).first()).toBeVisible()
      await expect(leaving).toHaveCount(0)
    }
  } finally {
    await server.close()
  }
})

/** The links at the top of the account page take the focus, and the view, to what they name. */
async function leadsToSections(page: Page, say: (key: string) => string): Promise<void> {
  const contents = page.getByRole('navigation', { name: say('account.contents') })
  await contents.getByRole('link', { name: say('account.sessions') }).press('Enter')
  const heading = page.getByRole('heading', { name: say('account.sessions') })
  await expect(heading).toBeFocused()
  await expect(heading).toBeInViewport()
}

/** Downloads what is stored about the administrator, and looks into the file. */
async function takesTheOwnData(page: Page, say: (key: string) => string): Promise<void> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: say('account.dataDownload') }).click(),
  ])
  await expect(page.getByText(say('account.dataSaved'), { exact: true })).toBeVisible()
  const text = Buffer.concat(await (await download.createReadStream()).toArray()).toString()
  const data = JSON.parse(text) as { readonly profile: { readonly email: string }; readonly log: readonly unknown[] }
  expect(download.suggestedFilename()).toBe('konklave-data.json')
  expect(data.profile.email).toBe(administrator.email)
  expect(data.log.length).toBeGreaterThan(0)
  expect(text).not.toContain(colleague.email)
}
