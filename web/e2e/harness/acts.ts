import { expect, type Locator, type Page } from '@playwright/test'
import type { Server } from './server'
import { type Language, word } from './words'

/** What a person does in the client, by the names that people and assistive technology go by. */

export interface Account {
  readonly name: string
  readonly email: string
  readonly password: string
}

export const administrator: Account = {
  name: 'Anna Amtmann',
  email: 'anna@example.test',
  password: 'Aktenzeichen 4711 bleibt geheim',
}

export const colleague: Account = {
  name: 'Dora Decker',
  email: 'dora@example.test',
  password: 'Dienstweg ist kein Holzweg 9',
}

/** Creates the first administrator through the one-time link and stores the recovery key; then the start page is shown. */
export async function setUp(page: Page, server: Server, account = administrator): Promise<void> {
  await page.goto(server.setupLink)
  await page.getByLabel('Your name').fill(account.name)
  await page.getByLabel('E-mail').fill(account.email)
  await page.getByLabel('Password').fill(account.password)
  await page.getByRole('main').locator('button[type=submit]').click()
  await page.getByLabel(word('recovery.stored')).check()
  await page.getByRole('button', { name: word('recovery.goOn') }).click()
  await expect(page.getByRole('button', { name: 'Start a meeting' })).toBeVisible()
}

export async function signIn(page: Page, account: Account, language: Language = 'en'): Promise<void> {
  await page.goto('/signin')
  await page.getByLabel(word('entry.email', language), { exact: true }).fill(account.email)
  await page.getByLabel(word('entry.password', language), { exact: true }).fill(account.password)
  await page
    .getByRole('main')
    .getByRole('button', { name: word('action.signIn', language) })
    .click()
  await expect(page.getByRole('button', { name: word('start.start', language) })).toBeVisible()
}

/** Presses "Start a meeting" and returns the path of the link to send around. */
export async function startMeeting(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Start a meeting' }).click()
  await page.waitForURL('**/join/*')
  return new URL(page.url()).pathname
}

export interface Entrance {
  /** for guests */
  readonly name?: string
  readonly microphone?: boolean
  readonly camera?: boolean
  readonly language?: Language
}

/** Opens the join page at `path` (when it is not open already), switches on what is wanted, and goes in. */
export async function join(page: Page, path: string, entrance: Entrance = {}): Promise<void> {
  const { name, microphone = true, camera = true, language = 'en' } = entrance
  if (new URL(page.url(), 'http://nowhere').pathname !== path) await page.goto(path)
  if (name !== undefined) await page.getByLabel(word('join.name', language)).fill(name)
  if (microphone) await switchOn(page, word('control.microphone', language))
  if (camera) await switchOn(page, word('control.camera', language))
  await control(page, word('join.join', language)).click()
  await expect(control(page, word('control.leave', language))).toBeVisible()
}

/** A toggle or button by its exact name. */
export function control(page: Page, name: string): Locator {
  return page.getByRole('button', { name, exact: true })
}

export async function switchOn(page: Page, name: string): Promise<void> {
  const toggle = control(page, name)
  await expect(toggle).toHaveAttribute('aria-pressed', 'false')
  await toggle.click()
  await expect(toggle).toHaveAttribute('aria-pressed', 'true')
}

export async function openPanel(page: Page, name: string): Promise<void> {
  const toggle = control(page, name)
  if ((await toggle.getAttribute('aria-expanded')) !== 'true') await toggle.click()
  await expect(toggle).toHaveAttribute('aria-expanded', 'true')
}

export async function say(page: Page, text: string, language: Language = 'en'): Promise<void> {
  await page.getByRole('textbox', { name: word('chat.message', language) }).fill(text)
  await control(page, word('chat.send', language)).click()
}

/** The tile that shows a person's camera, or shared screen. */
export function tile(page: Page, name: string, source: 'camera' | 'screen' = 'camera'): Locator {
  return page.locator(`[data-participant][data-source="${source}"]`).filter({ hasText: name })
}

/** The texts in the chat panel, oldest first. */
export function messages(page: Page): Promise<string[]> {
  return page
    .getByRole('region', { name: word('chat.messages') })
    .locator('li p[dir=auto]')
    .allInnerTexts()
}
