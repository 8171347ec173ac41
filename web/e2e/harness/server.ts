import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './fixtures'
import type { Language } from './words'

/** The program that is tested. */
export const binary = process.env['E2E_BINARY'] ?? join(root, 'bin', 'konklave')
const startTimeout = 60_000 // milliseconds, as below; of a machine that does much else as well
const stopTimeout = 60_000

/** A process of the system under test. */
export interface Process {
  readonly pid: number
  readonly parent: number
  readonly verb: string
  /** when it was started, in ticks since the machine was; process ids come round again */
  readonly started: number
}

export interface ServerOptions {
  /** Address of the web server; a free port of loopback when it is left out. */
  readonly listen?: string
  /** Addresses for media besides loopback, for browsers in a network of their own. */
  readonly mediaAddresses?: readonly string[]
  /** Leaves the addresses for media to the program's default, which reaches Firefox too. */
  readonly defaultMedia?: boolean
  /** Where the tests themselves reach the server, when its public address has a name that is known inside an island alone. */
  readonly reached?: string
  /** Runs a copy of the program, which `upgrade` can replace. */
  readonly replaceable?: boolean
  readonly args?: readonly string[]
}

/** The real `konklave serve` on a free port, with its data in a temporary folder. */
export class Server {
  readonly data = mkdtempSync(join(tmpdir(), 'konklave-e2e-'))
  /** http://localhost:PORT or what was configured, as the server prints it */
  address = ''
  /** The one-time link that creates the first administrator. */
  setupLink = ''
  #child: ChildProcess | undefined
  #output = ''
  #binary = binary

  static async start(options: ServerOptions = {}): Promise<Server> {
    const server = new Server()
    try {
      await server.run(options.listen ?? '127.0.0.1:0', options)
    } catch (error) {
      await server.close()
      throw error
    }
    return server
  }

  get port(): number {
    return Number(new URL(this.address).port)
  }

  /** Everything the server has printed. */
  get log(): string {
    return this.#output
  }

  /** Starts the program; with the same `listen` again after `stop`, it goes on with the same data. */
  async run(listen: string, options: ServerOptions = {}): Promise<void> {
    if (!existsSync(binary)) throw new Error(`${binary} is missing: run "make build"`)
    const media = ['127.0.0.1', ...(options.mediaAddresses ?? [])].join(',')
    const addresses = options.defaultMedia ? [] : ['--media-addresses', media]
    const args = ['serve', '--listen', listen, '--data', this.data, ...addresses, ...(options.args ?? [])]
    if (options.replaceable) {
      this.#binary = join(this.data, 'konklave')
      copyFileSync(binary, this.#binary)
    }
    const child = spawn(this.#binary, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: environment() })
    this.#child = child
    const begin = this.#output.length
    const announced = new Promise<void>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        this.#output += chunk.toString()
        const said = this.#output.slice(begin)
        const address = /Konklave is running at (https?:\/\/\S+)\s/.exec(said)?.[1]
        this.setupLink = /https?:\/\/\S+\/setup#\S+/.exec(said)?.[0] ?? this.setupLink
        if (address) {
          this.address = options.reached ?? address
          resolve()
        }
      }
      child.stdout?.on('data', read)
      child.stderr?.on('data', read)
      child.once('error', reject)
      child.once('exit', code => reject(new Error(`konklave serve ended with ${code}:\n${this.#output}`)))
      setTimeout(() => reject(new Error(`konklave serve printed no address:\n${this.#output}`)), startTimeout).unref()
    })
    await announced
    await this.#ready()
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + startTimeout
    for (;;) {
      const answer = await fetch(`${this.address}/readyz`).catch(() => undefined)
      if (answer?.ok) return
      if (Date.now() > deadline) throw new Error(`the server is not ready (${answer?.status}):\n${this.#output}`)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  /** Every process below (and with) the one that was started, each generation with the oldest first. */
  processes(): Process[] {
    const started = this.#child?.pid
    if (started === undefined) return []
    const all = readdirSync('/proc')
      .filter(entry => /^\d+$/.test(entry))
      .flatMap(entry => readProcess(Number(entry)))
      .sort((one, other) => one.started - other.started)
    const ours = [...all.filter(process => process.pid === started)]
    for (const process of ours) ours.push(...all.filter(other => other.parent === process.pid))
    return ours
  }

  /** The processes that run a conference, the oldest first. */
  workers(): Process[] {
    return this.processes().filter(process => process.verb === 'conference')
  }

  /** The newest worker, to be stopped for a while; one that is stopped for too long is replaced, and stays away. */
  pausableWorker(): { stop: () => void; goOn: () => void } {
    const pid = this.workers().at(-1)?.pid
    if (pid === undefined) throw new Error('no worker runs')
    const goOn = () => {
      if (this.workers().some(worker => worker.pid === pid)) process.kill(pid, 'SIGCONT')
    }
    return { stop: () => process.kill(pid, 'SIGSTOP'), goOn }
  }

  /** The one process of a verb. */
  only(verb: string): Process {
    const [found, ...more] = this.processes().filter(process => process.verb === verb)
    if (!found || more.length > 0) throw new Error(`${more.length + (found ? 1 : 0)} processes of ${verb}`)
    return found
  }

  /** Puts another copy of the program in the place of the running one and has the server upgrade to it. */
  async upgrade(): Promise<void> {
    const next = `${this.#binary}.next`
    copyFileSync(binary, next)
    renameSync(next, this.#binary)
    const begin = this.#output.length
    this.#child?.kill('SIGHUP')
    const deadline = Date.now() + startTimeout
    while (!this.#output.slice(begin).includes('upgraded')) {
      if (Date.now() > deadline || this.#output.slice(begin).includes('upgrade failed'))
        throw new Error(`no upgrade:\n${this.#output}`)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  /** `konklave user add` beside the running server. The roles are separated by commas. */
  addUser(email: string, name: string, password: string, roles = 'user', language: Language = 'de'): void {
    const who = ['--email', email, '--name', name, '--role', roles, '--language', language, '--password-stdin']
    const args = ['user', 'add', '--data', this.data, ...who]
    execFileSync(binary, args, { input: `${password}\n`, stdio: ['pipe', 'pipe', 'pipe'], env: environment() })
  }

  /** Ends the server with SIGTERM and fails when it, or anything it started, is still there afterwards. */
  async stop(): Promise<void> {
    const child = this.#child
    if (!child || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const before = this.processes()
    const ended = once(child, 'exit')
    process.kill(child.pid, 'SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeout)
    await ended
    clearTimeout(timer)
    this.#child = undefined
    const left = before.filter(process => readProcess(process.pid).some(now => now.verb === process.verb))
    for (const { pid } of left) process.kill(pid, 'SIGKILL')
    if (child.signalCode === 'SIGKILL') throw new Error(`SIGTERM did not end the server:\n${this.#output}`)
    if (left.length > 0) throw new Error(`still running after the end: ${JSON.stringify(left)}`)
  }

  async close(): Promise<void> {
    try {
      await this.stop()
    } finally {
      rmSync(this.data, { recursive: true, force: true })
    }
  }
}

/** The environment without settings of a server that the developer runs. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('KONKLAVE_')))
}

/** Whether a process runs a program that no longer lies at its path. */
export function runsReplacedProgram({ pid }: Process): boolean {
  return readlinkSync(`/proc/${pid}/exe`).endsWith(' (deleted)')
}

/** Where the time of the start stands in proc_pid_stat(5), from the state on. */
const startTime = 19

/** The process, when it lives and is ours; as a list of none or one. */
function readProcess(pid: number): Process[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, parent] = fields
    if (state === 'Z') return []
    const [, verb] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return [{ pid, parent: Number(parent), verb: verb ?? '', started: Number(fields[startTime]) }]
  } catch {
    return []
  }
}
