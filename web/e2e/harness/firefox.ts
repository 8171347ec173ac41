import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import type { Island } from './island'
import { recordConnections } from './rtc'
import { trustIn } from './trust'

const firefoxPath = process.env['E2E_FIREFOX'] ?? '/usr/bin/firefox-esr'
const startTimeout = 90_000 // milliseconds

// Fake devices without a question, and nothing that calls home: the guard of the other browsers cannot watch here.
const preferences = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.gmp-manager.updateEnabled': false,
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.safebrowsing.downloads.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'intl.accept_languages': 'en-US',
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.enabled': false,
}

/** Debian's unmodified Firefox ESR, driven over WebDriver BiDi. */
export class Firefox {
  readonly browser: Browser
  readonly #child: ChildProcess
  readonly #profile: string

  private constructor(browser: Browser, child: ChildProcess, profile: string) {
    this.browser = browser
    this.#child = child
    this.#profile = profile
  }

  /** Opens it, inside an island when there is one; it trusts the CA in the file `trust` (PEM), as a person would tell it to. */
  static async open(island?: Island, trust?: string): Promise<Firefox> {
    const profile = mkdtempSync(join(tmpdir(), 'konklave-firefox-'))
    const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`)
    writeFileSync(join(profile, 'user.js'), lines.join('\n'))
    if (trust !== undefined) trustIn(profile, trust)
    const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0', 'about:blank']
    const child = spawn(island?.wrap(firefoxPath) ?? firefoxPath, args, {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, HOME: profile, MOZ_HEADLESS_WIDTH: '1000', MOZ_HEADLESS_HEIGHT: '700' },
    })
    try {
      const port = await listening(child)
      await island?.door(port) // Firefox insists on its own port in the Host header
      const browser = await puppeteer.connect({
        browserWSEndpoint: `ws://127.0.0.1:${port}/session`,
        protocol: 'webDriverBiDi',
        defaultViewport: { width: 1000, height: 700 },
      })
      return new Firefox(browser, child, profile)
    } catch (error) {
      await end(child, profile)
      throw error
    }
  }

  async close(): Promise<void> {
    await this.browser.close().catch(() => undefined)
    await end(this.#child, this.#profile)
  }
}

async function end(child: ChildProcess, profile: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    const ended = once(child, 'exit')
    process.kill(-child.pid, 'SIGKILL')
    await ended
  }
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
}

/** The port at which Firefox says that it listens. */
function listening(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = ''
    const timer = setTimeout(() => reject(new Error(`firefox did not start:\n${said}`)), startTimeout)
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const port = /WebDriver BiDi listening on ws:\/\/[^:]+:(\d+)/.exec(said)?.[1]
      if (port === undefined) return
      clearTimeout(timer)
      resolve(Number(port))
    })
    child.once('exit', code => {
      clearTimeout(timer)
      reject(new Error(`firefox ended with ${code}:\n${said}`))
    })
  })
}

/** What the page complains about; lost connections are what the tests provoke. */
export function watch(page: Page): readonly string[] {
  const complaints: string[] = []
  const expected = /NetworkError|WebSocket|connection to|interrupted while the page was loading/i
  page.on('pageerror', error => {
    if (!expected.test(String(error))) complaints.push(String(error))
  })
  page.on('console', message => {
    if (message.type() === 'error' && !expected.test(message.text())) complaints.push(message.text())
  })
  return complaints
}

/** Goes into the conference behind the address as a guest, with microphone and camera on. */
export async function enter(page: Page, address: string, name: string): Promise<void> {
  await page.evaluateOnNewDocument(recordConnections)
  await page.goto(address)
  await named(page, 'textbox', 'Your name').fill(name)
  for (const device of ['Microphone', 'Camera']) {
    const toggle = named(page, 'button', device)
    await toggle.click()
    await toggle.filter(button => button.ariaPressed === 'true').wait()
  }
  await named(page, 'button', 'Join').click()
  await named(page, 'button', 'Leave').wait()
}

/** What the page says, without what is only announced. */
export function text(page: Page): Promise<string> {
  return page.evaluate(() => document.querySelector('main')?.innerText ?? '')
}

/** A control by its role and exact name, as assistive technology finds it. */
export function named(page: Page, role: 'button' | 'textbox', name: string) {
  return page.locator(`::-p-aria([name="${name}"][role="${role}"])`).setTimeout(30_000)
}
