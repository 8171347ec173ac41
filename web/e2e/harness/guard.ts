import type { BrowserContext, Page } from '@playwright/test'

/** Chromium's line for an answer with an error status; a test that provokes one allows it. */
const failedAnswer = 'Failed to load resource'

/**
 * What browsers write when a line breaks, in tests that cut networks and kill processes. The media library adds
 * addresses that arrive for a connection which is just being renewed, and leaves it to nobody to hear that this failed.
 */
export const brokenLine = /WebSocket|net::ERR_|Failed to load resource|^uncaught: \w+: .*ICE ?candidate/i

/** Watches everything a context does: no request to a foreign host, no CSP violation, no error on the console, ever. */
export class Guard {
  readonly #origin: string
  readonly #complaints: string[] = []
  readonly #allowed: RegExp[] = []

  constructor(origin: string) {
    this.#origin = origin
  }

  /** Tolerates lines that match, because the test provokes them. */
  allow(...patterns: RegExp[]): void {
    this.#allowed.push(...patterns)
  }

  async watch(context: BrowserContext): Promise<void> {
    context.on('request', request => this.#sawAddress(request.url()))
    context.on('page', page => this.#watchPage(page))
    context.on('weberror', error => this.#complain(`uncaught: ${described(error.error())}`))
    context.on('console', message => {
      if (message.type() !== 'error') return
      const { url } = message.location()
      this.#complain(`console: ${message.text()}${message.text().startsWith(failedAnswer) ? ` ${url}` : ''}`)
    })
    await context.exposeBinding('konklaveGuard', (_, text: string) => this.#complain(text))
    await context.addInitScript(() => {
      const tell = (globalThis as unknown as { konklaveGuard(text: string): void }).konklaveGuard
      addEventListener('securitypolicyviolation', event => {
        tell(
          `content security policy: ${event.violatedDirective} ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`,
        )
      })
    })
  }

  /** Throws what was seen. */
  verify(): void {
    const complaints = this.#complaints.splice(0)
    if (complaints.length > 0) throw new Error(`the guard saw:\n${complaints.join('\n')}`)
  }

  #watchPage(page: Page): void {
    page.on('websocket', socket => this.#sawAddress(socket.url()))
  }

  #sawAddress(address: string): void {
    const url = new URL(address)
    if (url.protocol === 'data:' || url.protocol === 'blob:') return
    const origin = url.origin.replace(/^ws/, 'http')
    if (origin !== this.#origin) this.#complain(`foreign request: ${address}`)
  }

  #complain(text: string): void {
    if (!this.#allowed.some(pattern => pattern.test(text))) this.#complaints.push(text)
  }
}

/** What a browser throws without JavaScript on its stack, such as a failed WebRTC operation, has an empty stack. */
function described(error: Error): string {
  return error.stack || `${error.name}: ${error.message}`
}
