import type { Page } from '@playwright/test'
import { administrator, colleague, signIn } from './harness/acts'
import { people } from './harness/fixtures'
import { prepare } from './harness/prepared'
import { rulesFor } from './harness/rules'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { dress, type Look } from './harness/tour'
import { expectFits } from './harness/widths'
import { word } from './harness/words'

const looks: readonly Look[] = [
  { theme: 'light', language: 'de' },
  { theme: 'dark', language: 'en' },
]

const officer = { email: 'carla@example.org', name: 'Carla Zweitblick', password: 'a second pair of eyes' }

/** A asks for a role for B; nobody has it before C has agreed; then B has it. */
test('a second person agrees to a role', async ({ seat }) => {
  const server = await Server.start()
  try {
    await prepare(server)
    server.addUser(colleague.email, colleague.name, colleague.password)
    server.addUser(officer.email, officer.name, officer.password, 'user,security_officer')
    for (const [index, look] of looks.entries()) {
      const say = (key: string, parameters?: Readonly<Record<string, string>>) => word(key, look.language, parameters)
      const anna = await seat(server, { person: people.anna })
      anna.guard.allow(/Failed to load resource.*\/roles/) // a second person is needed
      await dress(anna, look)
      const page = await anna.page()
      await signIn(page, administrator, look.language)
      await page.goto('/account')
      const row = page.getByRole('listitem').filter({ hasText: colleague.email })
      await row.getByRole('button', { name: say('users.editOf', { name: colleague.name }) }).click()
      const wanted = index === 0 ? 'operator' : 'user_admin'
      await row.getByRole('checkbox', { name: say(`role.${wanted}`), exact: true }).check()
      await row.getByRole('button', { name: say('users.saveRoles') }).click()
      await expect(row.getByText(say('approvals.needed'))).toBeVisible()
      await expectAccessible(page)
      await expectFits(page, `approval-ask-${look.theme}-${look.language}`)
      await row.getByLabel(say('approvals.reason')).fill('Vertretung im Sommer')
      await page.keyboard.press('Enter')
      await expect(row.getByText(say('approvals.asked', { name: colleague.name }))).toBeVisible()
      await row.getByRole('link', { name: say('approvals.toList') }).click()
      const own = page.getByRole('listitem').filter({ hasText: 'Vertretung im Sommer' }).first()
      await expect(own.getByText(say('approvals.state.pending'))).toBeVisible()
      await expect(own.getByRole('button', { name: say('approvals.approve') })).toHaveCount(0)

      const carla = await seat(server, { person: people.dora })
      carla.guard.allow(/Failed to load resource.*\/refused/) // without a reason
      await dress(carla, look)
      const second = await carla.page()
      await signIn(second, officer, look.language)
      await second.goto('/account')
      await second.getByRole('link', { name: say('account.approvals') }).click()
      const request = second.getByRole('listitem').filter({ hasText: colleague.email }).first()
      await expect(request.getByText(say(`role.${wanted}`), { exact: false }).first()).toBeVisible()
      await request.getByRole('button', { name: say('approvals.refuse') }).click()
      await expect(request.getByText(say('error.approval.text_invalid'))).toBeVisible()
      await expectAccessible(second)
      await expectFits(second, `approvals-${look.theme}-${look.language}`)
      await request.getByLabel(say('approvals.yourNote')).fill('In Ordnung')
      await second.keyboard.press('Tab')
      await expect(request.getByRole('button', { name: say('approvals.approve') })).toBeFocused()
      await second.keyboard.press('Enter')
      await expect(request.getByText(say('approvals.state.used'))).toBeVisible()

      await page.getByRole('button', { name: say('approvals.refresh') }).click()
      await expect(own.getByText(say('approvals.state.used'))).toBeVisible()
      await page.goto('/account')
      await expect(row.getByText(say(`role.${wanted}`), { exact: false }).first()).toBeVisible()
    }
  } finally {
    await server.close()
  }
})

/** Whoever proved long ago who it is, is asked once more, and what was begun goes on by itself. */
test('a proof is asked for before roles are given', async ({ seat }) => {
  const server = await Server.start({ args: ['--access-approvals', 'off'] })
  try {
    await prepare(server)
    server.addUser(colleague.email, colleague.name, colleague.password)
    const anna = await seat(server, { person: people.anna })
    anna.guard.allow(/Failed to load resource.*\/roles/) // the proof is old
    await dress(anna, { theme: 'light', language: 'de' })
    const page = await anna.page()
    await signIn(page, administrator, 'de')
    await page.goto('/account')
    await page.route('**/api/v1/users/*/roles', route => route.fulfill(proofRequired), { times: 1 })
    const row = page.getByRole('listitem').filter({ hasText: colleague.email })
    await row.getByRole('button', { name: word('users.editOf', 'de', { name: colleague.name }) }).click()
    await row.getByRole('checkbox', { name: word('role.operator', 'de'), exact: true }).check()
    await row.getByRole('button', { name: word('users.saveRoles', 'de') }).click()
    const dialog = page.getByRole('dialog', { name: word('factor.proofTitle', 'de') })
    await dialog.getByLabel(word('entry.password', 'de'), { exact: true }).fill(administrator.password)
    await dialog.getByRole('button', { name: word('factor.confirm', 'de') }).click()
    await expect(dialog).toBeHidden()
    await expect(page.getByText(word('users.rolesSaved', 'de', { name: colleague.name })).first()).toBeVisible()
  } finally {
    await server.close()
  }
})

const proofRequired = {
  status: 403,
  contentType: 'application/problem+json',
  body: JSON.stringify({ title: 'Forbidden', status: 403, code: 'session.proof_required', detail: 'x', id: 'e1' }),
}

async function expectAccessible(page: Page): Promise<void> {
  const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
  expect((await rulesFor(page).withTags(standards).analyze()).violations).toEqual([])
}
