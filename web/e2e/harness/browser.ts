import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from '@playwright/test'
import { mediaOf, type Person } from './fixtures'
import { Guard } from './guard'
import type { Island } from './island'
import { recordConnections } from './rtc'
import { trustIn } from './trust'

export const chromiumPath = process.env['E2E_CHROMIUM'] ?? '/usr/bin/chromium'

const patience = 30_000 // milliseconds for each act on a page

/** What the browser has to offer when a page asks for a camera or a microphone. */
export type Devices = 'granted' | 'denied' | 'none'

export interface BrowserOptions {
  /** Whose camera and microphone; without a person there are the browser's own test pictures. */
  readonly person?: Person
  readonly devices?: Devices
  /** How many cameras there are; only of the browser's own there can be several. */
  readonly cameras?: number
  readonly island?: Island
  readonly context?: BrowserContextOptions
  /** File of a CA (PEM) that the browser is told to trust, as a person would on the page of the local CA. */
  readonly trust?: string
}

/** One person's browser with one context, guarded. */
export class Seat {
  readonly browser: Browser
  readonly context: BrowserContext
  readonly guard: Guard
  readonly #home: string | undefined

  private constructor(browser: Browser, context: BrowserContext, guard: Guard, home: string | undefined) {
    this.browser = browser
    this.context = context
    this.guard = guard
    this.#home = home
  }

  static async open(address: string, options: BrowserOptions = {}): Promise<Seat> {
    const home = options.trust && trusting(options.trust)
    const browser = await chromium.launch({
      executablePath: options.island?.wrap(chromiumPath) ?? chromiumPath,
      args: switches(options),
      ...(home && { env: { ...process.env, HOME: home } }),
    })
    const context = await browser.newContext({
      baseURL: address,
      viewport: { width: 1000, height: 700 },
      locale: 'en-US',
      ...options.context,
    })
    context.setDefaultTimeout(patience)
    await context.addInitScript(recordConnections)
    const guard = new Guard(new URL(address).origin)
    await guard.watch(context)
    return new Seat(browser, context, guard, home)
  }

  page(): Promise<Page> {
    return this.context.newPage()
  }

  /** Ends the browser; fails when the guard saw something. */
  async close(): Promise<void> {
    await this.browser.close()
    if (this.#home) rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 })
    this.guard.verify()
  }
}

/** A home directory whose certificate store trusts a CA. */
function trusting(authority: string): string {
  const home = mkdtempSync(join(tmpdir(), 'konklave-home-'))
  const store = join(home, '.pki', 'nssdb')
  mkdirSync(store, { recursive: true })
  trustIn(store, authority)
  return home
}

function switches(options: BrowserOptions): string[] {
  const args = [
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--autoplay-policy=no-user-gesture-required',
    '--auto-select-desktop-capture-source=Entire screen',
  ]
  if (process.getuid?.() === 0) args.push('--no-sandbox')
  const devices = options.devices ?? 'granted'
  if (devices !== 'denied') args.push('--use-fake-ui-for-media-stream')
  if (devices !== 'none') {
    args.push(`--use-fake-device-for-media-stream${options.cameras ? `=device-count=${options.cameras}` : ''}`)
  }
  if (options.person && devices === 'granted') {
    const { video, audio } = mediaOf(options.person)
    args.push(`--use-file-for-fake-video-capture=${video}`, `--use-file-for-fake-audio-capture=${audio}`)
  }
  return args
}
