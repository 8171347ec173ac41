import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Locator, Page } from '@playwright/test'
import { colleague, signIn } from './harness/acts'
import { prepare } from './harness/prepared'
import { rulesFor } from './harness/rules'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { dress, type Look } from './harness/tour'
import { expectFits } from './harness/widths'
import { word } from './harness/words'

/** The audit log in the browser of an auditor, and somebody who may write to the database behind its back. */

const auditor = { name: 'Rita Revision', email: 'rita@example.test', password: 'Belege bleiben Belege 12' }
const looks: readonly Look[] = [
  { theme: 'light', language: 'de' },
  { theme: 'dark', language: 'en' },
]

for (const look of looks) {
  test(`an auditor finds a change, verifies it, and learns of a manipulation: ${look.theme}, ${look.language}`, async ({
    seat,
  }) => {
    const say = (key: string, parameters?: Readonly<Record<string, string>>) => word(key, look.language, parameters)
    const server = await Server.start()
    try {
      await prepare(server)
      server.addUser(auditor.email, auditor.name, auditor.password, 'user,auditor')
      server.addUser(colleague.email, colleague.name, colleague.password) // the change
      const rita = await seat(server, { context: { viewport: { width: 1280, height: 800 } } })
      rita.guard.allow(/Failed to load resource/) // a proof is refused until the entry is signed
      await dress(rita, look)
      const page = await rita.page()
      await signIn(page, auditor, look.language)
      await page.goto('/account')
      await page.getByRole('link', { name: say('account.audit') }).click()
      await expect(page.getByRole('heading', { level: 1, name: say('audit.title') })).toBeVisible()

      await page.getByLabel(say('audit.filter.kind')).selectOption('user.created')
      await page.getByRole('button', { name: say('audit.search'), exact: true }).click()
      const actor = say('audit.who.commandLine')
      const entry = page
        .getByRole('listitem')
        .filter({ hasText: say('audit.did.user.created', { actor, object: colleague.name }) })
      await expect(entry).toHaveCount(1)
      await expect(page.locator('[data-entry]')).toHaveCount(2) // and the auditor's own account

      // By keyboard alone: the details, then the button in them.
      await entry.locator('summary').first().focus()
      await page.keyboard.press('Enter')
      await expect(verifyButton(entry, look)).toBeVisible()
      await expect(async () => {
        await verifyButton(entry, look).focus()
        await page.keyboard.press('Enter')
        await expect(entry.locator('[data-verdict]')).toHaveAttribute('data-verdict', 'intact') // signed after 10 seconds
      }).toPass()
      for (const check of ['place', 'signature', 'content', 'personal']) {
        await expect(entry.locator(`[data-check=${check}]`)).toHaveAttribute('data-state', 'good')
      }
      await expect(entry.locator('[data-check=witnesses]')).toHaveAttribute('data-state', 'none')
      await entry.getByText(say('audit.proof'), { exact: true }).click()
      await expect(entry.getByText('c2sp.org/tlog-proof@v1')).toBeVisible()
      await looksRight(page, `audit-${look.theme}-${look.language}`)
      await verifies(entry, look, 'intact')
      await expect(entry.locator('[data-check=growth]')).toHaveAttribute('data-state', 'good') // it has kept a checkpoint
      const stored = await page.evaluate(() => Object.values(localStorage).join('\n'))
      for (const personal of [auditor.email, auditor.name, colleague.name, colleague.email]) {
        expect(stored).not.toContain(personal)
      }

      const index = await entry.getAttribute('data-entry')
      manipulate(server, Number(index))
      await verifies(entry, look, 'broken')
      await expect(entry.locator('[data-check=content]')).toHaveAttribute('data-state', 'bad')
      await expect(entry.getByText(say('audit.verdict.broken.text', { index: index ?? '' }))).toBeVisible()
      await expect(entry.getByText(say('audit.check.content.changed'))).toBeVisible()
      await looksRight(page, `audit-broken-${look.theme}-${look.language}`)

      // Whatever is looked for, the list names it.
      await page.getByLabel(say('audit.filter.kind')).selectOption('machine.added')
      await page.getByRole('button', { name: say('audit.search'), exact: true }).click()
      await expect(page.locator('[data-entry]')).toHaveCount(1)
      await expect(page.locator(`[data-entry="${index}"]`)).toContainText(say('audit.state.damaged'))

      await page.reload()
      await expect(page.getByText(readKey(server), { exact: true })).toBeVisible()
      await expect(page.getByText(say('audit.log.noWitness'), { exact: true })).toBeVisible()
    } finally {
      await server.close()
    }
  })
}

function verifyButton(entry: Locator, look: Look): Locator {
  return entry.getByRole('button', { name: word('audit.verify', look.language) })
}

async function verifies(entry: Locator, look: Look, verdict: string): Promise<void> {
  await verifyButton(entry, look).click()
  await expect(entry.locator('[data-verdict]')).toHaveAttribute('data-verdict', verdict)
}

async function looksRight(page: Page, name: string): Promise<void> {
  expect((await rulesFor(page).analyze()).violations).toEqual([])
  await expectFits(page, name)
  await page.setViewportSize({ width: 1280, height: 800 })
}

/** The public key of the log, as the server keeps it for auditors. */
function readKey(server: Server): string {
  return readFileSync(join(server.data, 'audit.keys'), 'utf8').trim().split('\n').at(-1) ?? ''
}

/** What somebody does who has all rights on the database: another account was made, it says then. */
function manipulate(server: Server, index: number): void {
  const row = `(SELECT seq FROM audit_places WHERE leaf_index = ${index})`
  const statements = [
    '.timeout 60000',
    'DROP TRIGGER audit_log_no_update;',
    `UPDATE audit_log SET body = CAST(replace(CAST(body AS TEXT), '"user"]', '"auditor"]') AS BLOB) WHERE seq = ${row};`,
    'SELECT changes();',
  ]
  const changes = execFileSync('sqlite3', [join(server.data, 'konklave.db')], { input: statements.join('\n') })
  expect(changes.toString().trim()).toBe('1')
}
