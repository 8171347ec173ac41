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
/** The accounts whose making is the change, one for each look. */
const changes = [colleague, { ...colleague, name: 'Egon Eilig', email: 'egon@example.test' }]
const looks: readonly Look[] = [
  { theme: 'light', language: 'de' },
  { theme: 'dark', language: 'en' },
]

test('an auditor finds a change, verifies it, and learns of a manipulation', async ({ seat }) => {
  const server = await Server.start()
  try {
    await prepare(server)
    server.addUser(auditor.email, auditor.name, auditor.password, 'user,auditor')
    for (const { email, name, password } of changes) server.addUser(email, name, password)
    for (const [turn, look] of looks.entries()) {
      const rita = await seat(server, { context: { viewport: { width: 1280, height: 800 } } })
      rita.guard.allow(/Failed to load resource/) // a proof is refused until the entry is signed
      await dress(rita, look)
      await inspect(await rita.page(), server, look, turn)
    }
  } finally {
    await server.close()
  }
})

/** One look: the change of its turn is found, verified, and manipulated; those of earlier turns are manipulated already. */
async function inspect(page: Page, server: Server, look: Look, turn: number): Promise<void> {
  const say = (key: string, parameters?: Readonly<Record<string, string>>) => word(key, look.language, parameters)
  await signIn(page, auditor, look.language)
  await page.goto('/account')
  await page.getByRole('link', { name: say('account.audit') }).click()
  await expect(page.getByRole('heading', { level: 1, name: say('audit.title') })).toBeVisible()

  await page.getByLabel(say('audit.filter.kind')).selectOption('user.created')
  await page.getByRole('button', { name: say('audit.search'), exact: true }).click()
  const [actor, object] = [say('audit.who.commandLine'), changes[turn]?.name ?? '']
  const entry = page.getByRole('listitem').filter({ hasText: say('audit.did.user.created', { actor, object }) })
  await expect(entry).toHaveCount(1)
  await expect(page.locator('[data-entry]')).toHaveCount(1 + changes.length) // and the auditor's own account
  const index = (await entry.getAttribute('data-entry')) ?? ''
  const card = page.locator(`[data-entry="${index}"]`)

  // By keyboard alone: the details, then the button in them.
  await card.locator('summary').first().focus()
  await page.keyboard.press('Enter')
  await expect(verifyButton(card, look)).toBeVisible()
  await expect(async () => {
    await verifyButton(card, look).focus()
    await page.keyboard.press('Enter')
    const verdict = card.locator('[data-verdict]')
    await expect(verdict).toBeVisible()
    expect(await verdict.getAttribute('data-verdict')).toBe('intact') // signed after 10 seconds; till then it is asked again
  }).toPass()
  for (const check of ['place', 'signature', 'content', 'personal']) {
    await expect(card.locator(`[data-check=${check}]`)).toHaveAttribute('data-state', 'good')
  }
  await expect(card.locator('[data-check=witnesses]')).toHaveAttribute('data-state', 'none')
  await card.getByText(say('audit.proof'), { exact: true }).click()
  await expect(card.getByText('c2sp.org/tlog-proof@v1')).toBeVisible()
  await looksRight(page, `audit-${look.theme}-${look.language}`)
  await verifies(card, look, 'intact')
  await expect(card.locator('[data-check=growth]')).toHaveAttribute('data-state', 'good') // it has kept a checkpoint
  const stored = await page.evaluate(() => Object.values(localStorage).join('\n'))
  for (const personal of [auditor, ...changes].flatMap(({ email, name }) => [email, name])) {
    expect(stored).not.toContain(personal)
  }

  manipulate(server, Number(index))
  await verifies(card, look, 'broken')
  await expect(card.locator('[data-check=content]')).toHaveAttribute('data-state', 'bad')
  await expect(card.getByText(say('audit.verdict.broken.text', { index }))).toBeVisible()
  await expect(card.getByText(say('audit.check.content.changed'))).toBeVisible()
  await looksRight(page, `audit-broken-${look.theme}-${look.language}`)

  // Whatever is looked for, the list names it.
  await page.getByLabel(say('audit.filter.kind')).selectOption('machine.added')
  await page.getByRole('button', { name: say('audit.search'), exact: true }).click()
  await expect(page.locator('[data-entry]')).toHaveCount(1 + turn)
  await expect(card).toContainText(say('audit.state.damaged'))

  await page.reload()
  await expect(page.getByText(readKey(server), { exact: true })).toBeVisible()
  await expect(page.getByText(say('audit.log.noWitness'), { exact: true })).toBeVisible()
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
    'DROP TRIGGER IF EXISTS audit_log_no_update;',
    `UPDATE audit_log SET body = CAST(replace(CAST(body AS TEXT), '"user"]', '"auditor"]') AS BLOB) WHERE seq = ${row};`,
    'SELECT changes();',
  ]
  const changes = execFileSync('sqlite3', [join(server.data, 'konklave.db')], { input: statements.join('\n') })
  expect(changes.toString().trim()).toBe('1')
}
