import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import puppeteer, { type Browser } from 'puppeteer-core'
import type { Island } from './island'

const firefoxPath = process.env['E2E_FIREFOX'] ?? '/usr/bin/firefox-esr'
const startTimeout = 30_000

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

  static async open(island?: Island): Promise<Firefox> {
    const profile = mkdtempSync(join(tmpdir(), 'konklave-firefox-'))
    const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`)
    writeFileSync(join(profile, 'user.js'), lines.join('\n'))
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
