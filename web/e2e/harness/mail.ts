import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from './fixtures'

const program = join(root, 'notify', 'smtp', 'testdata', 'server.py')

/** What a mail server took. */
export interface Mail {
  readonly to: readonly string[]
  readonly text: string
}

/** A real mail server on loopback, without encryption. */
export class MailServer {
  readonly port: number
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, port: number) {
    this.#child = child
    this.#lines = lines
    this.port = port
  }

  static async start(): Promise<MailServer> {
    const child = spawn('/usr/bin/python3', [program, 'off', '', '', '', ''], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const { port } = JSON.parse(await nextOf(lines)) as { port: number }
    return new MailServer(child, lines, port)
  }

  /** What the server under test has to be told. */
  get args(): readonly string[] {
    return ['--mail-server', `127.0.0.1:${this.port}`, '--mail-security', 'off', '--mail-from', 'konklave@example.test']
  }

  /** Waits for the next mail. */
  async next(): Promise<Mail> {
    const { to, data } = JSON.parse(await nextOf(this.#lines)) as { to: string[]; data: string }
    return { to, text: decoded(data) }
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await ended
  }
}

async function nextOf(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next()
  if (done) throw new Error('the mail server has ended; tools/install-test-tools installs what it needs')
  return value
}

/** The body of a mail of one part in quoted-printable (RFC 2045, 6.7). */
function decoded(data: string): string {
  const body = data.slice(data.search(/\r?\n\r?\n/)).replace(/=\r?\n/g, '')
  const bytes = body.replace(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
