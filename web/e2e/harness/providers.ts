import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './fixtures'
import { freePort } from './port'
import { Server } from './server'

/** Real identity providers from Debian's packages, and a server that is told of them. */
export class Federated {
  /** File of the CA (PEM) that signed the providers' certificates. */
  readonly authority: string
  readonly server: Server
  readonly #folder: string
  readonly #providers: ChildProcess

  private constructor(folder: string, providers: ChildProcess, server: Server) {
    this.#folder = folder
    this.#providers = providers
    this.server = server
    this.authority = join(folder, 'authority.pem')
  }

  static async start(): Promise<Federated> {
    const program = join(root, 'bin', 'providers')
    execFileSync('go', ['build', '-o', program, './auth/providertest/serve'], { cwd: root, stdio: 'inherit' })
    const folder = mkdtempSync(join(tmpdir(), 'konklave-providers-'))
    const address = `localhost:${await freePort()}`
    const providers = spawn(program, [folder, `http://${address}`], { stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      const said = await Promise.race([once(providers.stdout, 'data'), once(providers, 'exit')])
      if (String(said[0]).trim() !== 'ready') throw new Error(`the identity providers did not start: ${said[0]}`)
      const args = ['--config', join(folder, 'konklave.yaml'), '--public-url', `http://${address}`]
      return new Federated(folder, providers, await Server.start({ listen: address, args }))
    } catch (error) {
      await end(providers, folder)
      throw error
    }
  }

  /** Where the SAML provider ends a session when somebody signs out there. */
  get portalOfSAML(): string {
    const [, base] =
      /entity-id: "(http[^"]+)\/idp"/.exec(readFileSync(join(this.#folder, 'konklave.yaml'), 'utf8')) ?? []
    if (base === undefined) throw new Error('no SAML provider')
    return base
  }

  /** Disables a person in the directory. */
  async disable(name: string): Promise<void> {
    const { stdin, stdout } = this.#providers
    if (!stdin || !stdout) throw new Error('the identity providers cannot be told anything')
    const told = once(stdout, 'data')
    stdin.write(`disable ${name}\n`)
    const [said] = await told
    if (String(said).trim() !== 'disabled') throw new Error(`${name} was not disabled: ${said}`)
  }

  async close(): Promise<void> {
    try {
      await this.server.close()
    } finally {
      await end(this.#providers, this.#folder)
    }
  }
}

async function end(providers: ChildProcess, folder: string): Promise<void> {
  if (providers.exitCode === null) {
    const ended = once(providers, 'exit')
    providers.stdin?.end()
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
}
