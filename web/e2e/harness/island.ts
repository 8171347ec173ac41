import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo, Server as Listener } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type End, relay } from './relay.mjs'

const settleLimit = 30_000 // milliseconds; duplicates of an address are looked for in the first seconds (RFC 4862)

let count = 0

/** Whether this machine lets us make networks: it takes root and the `ip` tool. */
export function canMakeIslands(): boolean {
  try {
    const name = `kktry${process.pid}`
    ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`)
    ip('link', 'del', name)
    return true
  } catch {
    return false
  }
}

/**
 * A network of its own for one browser, joined to this machine by one cable that can be pulled.
 *
 * Inside, 127.0.0.1:PORT is a relay to the server's port, so that the browser sees the same origin as everybody;
 * media goes to the server's end of the cable. While the cable is cut no packet passes, TCP or UDP, and nothing is reset.
 */
export class Island {
  readonly #name = `kk${process.pid}i${++count}`
  readonly #folder = mkdtempSync(join(tmpdir(), 'konklave-island-'))
  readonly #relays: ChildProcess[] = []
  readonly #listeners: Listener[] = []
  readonly #subnet = `10.213.${process.pid % 250}`
  /** The server's end of the cable: give it to the server as an address for media. */
  readonly shore = `${this.#subnet}.${count * 4 + 1}`
  /** The same end by IPv6. */
  readonly shore6 = `fd00:10:213:${(process.pid % 0x10000).toString(16)}:${count}::1`
  /** What `ip netns exec` puts over /etc inside. */
  readonly #etc = join('/etc/netns', this.#name)

  static make(): Island {
    const island = new Island()
    const [name, outside] = [island.#name, `${island.#name}o`]
    const inside = `${island.#subnet}.${count * 4 + 2}`
    ip('netns', 'add', name)
    ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', 'cable', 'netns', name)
    ip('addr', 'add', `${island.shore}/30`, 'dev', outside)
    ip('link', 'set', outside, 'up')
    ip('-n', name, 'addr', 'add', `${inside}/30`, 'dev', 'cable')
    ip('-n', name, 'link', 'set', 'cable', 'up')
    ip('-n', name, 'link', 'set', 'lo', 'up')
    ip('-n', name, 'route', 'add', 'default', 'via', island.shore) // Firefox offers no address without one
    ip('addr', 'add', `${island.shore6}/112`, 'dev', outside, 'nodad')
    ip('-n', name, 'addr', 'add', `${island.shore6.replace(/1$/, '2')}/112`, 'dev', 'cable', 'nodad')
    ip('-n', name, 'route', 'add', 'default', 'via', island.shore6)
    island.#settle()
    return island
  }

  /** Waits until every address inside is there to stay: a browser breaks off what it loads when one is added. */
  #settle(): void {
    const end = Date.now() + settleLimit
    const settled = (all: string) => all.includes('scope link') && !all.includes('tentative')
    while (!settled(ip('-n', this.#name, '-6', 'addr', 'show', 'dev', 'cable'))) {
      if (Date.now() > end) throw new Error('the addresses of an island do not settle')
    }
  }

  /** Makes 127.0.0.1:port inside lead, over the cable, to 127.0.0.1:port here. */
  async reach(port: number): Promise<void> {
    const outside = await relay({ host: this.shore, port: 0 }, { host: '127.0.0.1', port })
    this.#listeners.push(outside)
    await this.#relayInside({ host: '127.0.0.1', port }, { host: this.shore, port: portOf(outside) })
  }

  /** Opens a door for the test that no cut closes: 127.0.0.1:port here leads to the same address inside. */
  async door(port: number): Promise<void> {
    const path = join(this.#folder, `door-${port}`)
    await this.#relayInside({ path }, { host: '127.0.0.1', port })
    this.#listeners.push(await relay({ host: '127.0.0.1', port }, { path }))
  }

  /** Makes a name known inside, for the server's end of the cable. */
  name(host: string): void {
    mkdirSync(this.#etc, { recursive: true })
    writeFileSync(join(this.#etc, 'hosts'), `127.0.0.1 localhost\n${this.shore} ${host}\n`)
  }

  /** The path of a script that runs `program` with its arguments inside. */
  wrap(program: string): string {
    const script = join(this.#folder, program.replaceAll('/', '-'))
    writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${this.#name} ${program} "$@"\n`)
    chmodSync(script, 0o755)
    return script
  }

  /** Pulls the cable, and plugs it in again when so many milliseconds have passed and what has to be seen meanwhile was seen. */
  async cut(milliseconds: number, seen: () => Promise<void>): Promise<void> {
    ip('link', 'set', `${this.#name}o`, 'down')
    try {
      await Promise.all([pause(milliseconds), seen()])
    } finally {
      ip('link', 'set', `${this.#name}o`, 'up')
    }
  }

  /** Puts a firewall around the browser: from now on it reaches this one TCP port of this machine, and nothing else. */
  confine(port: number): void {
    const neighbours = 'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept;' // what ARP is to IPv4
    const rules = [
      'table inet wall {',
      'chain out { type filter hook output priority 0; policy drop;',
      `oif lo accept; ip daddr ${this.shore} tcp dport ${port} accept; ip6 daddr ${this.shore6} tcp dport ${port} accept; ${neighbours} }`,
      'chain in { type filter hook input priority 0; policy drop;',
      `iif lo accept; ip saddr ${this.shore} tcp sport ${port} accept; ip6 saddr ${this.shore6} tcp sport ${port} accept; ${neighbours} }`,
      '}',
    ]
    execFileSync('ip', ['netns', 'exec', this.#name, 'nft', '-f', '-'], { input: rules.join('\n') })
  }

  close(): void {
    for (const relay of this.#relays) relay.kill('SIGKILL')
    for (const listener of this.#listeners) listener.close()
    ip('netns', 'del', this.#name)
    rmSync(this.#folder, { recursive: true, force: true })
    rmSync(this.#etc, { recursive: true, force: true })
  }

  async #relayInside(listen: End, target: End): Promise<void> {
    const script = join(import.meta.dirname, 'relay.mjs')
    const args = ['netns', 'exec', this.#name, process.execPath, script, JSON.stringify(listen), JSON.stringify(target)]
    const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#relays.push(child)
    await once(child.stdout, 'data')
  }
}

function portOf(listener: Listener): number {
  return (listener.address() as AddressInfo).port
}

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
