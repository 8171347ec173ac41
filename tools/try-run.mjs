// Does what the README tells a newcomer: `make run`, follow the printed link, and later `make run` again.
// The second time the data of the first are there: the administrator signs in, and no link is printed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const patience = 180_000 // milliseconds for one run, from the build to the end
const credentials = { email: 'first@example.test', password: 'Aktenzeichen 4711 bleibt geheim' }
const data = mkdtempSync(join(tmpdir(), 'konklave-run-'))

/** Starts `make run`, hands what it printed to `visit`, and ends it. */
async function run(visit) {
  const server = spawn('make', ['--no-print-directory', 'run', 'LISTEN=localhost:0', `DATA=${join(data, 'var')}`], {
    cwd: resolve(import.meta.dirname, '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // a group of its own, which is ended as a terminal would
  })
  const ended = once(server, 'exit')
  const end = signal => {
    if (server.exitCode === null && server.signalCode === null) process.kill(-server.pid, signal)
  }
  const timer = setTimeout(end, patience, 'SIGKILL')
  process.on('SIGINT', end).on('SIGTERM', end) // who interrupts this means the server too
  const printed = {}
  try {
    for await (const text of createInterface({ input: server.stdout })) {
      console.log(text)
      printed.address ??= /running at (http:\/\/\S+)/.exec(text)?.[1]
      printed.link ??= /http:\/\/\S+\/setup#\S+/.exec(text)?.[0]
      if (printed.address && text === '') break // the paragraph is complete
    }
    if (!printed.address) throw new Error('make run ended, or took too long, and printed no address')
    await visit(printed)
  } finally {
    end('SIGINT')
    server.stdout.resume()
    await ended
    clearTimeout(timer)
    process.off('SIGINT', end).off('SIGTERM', end)
  }
  if (server.signalCode === 'SIGKILL') throw new Error('make run did not end in time')
}

async function post(address, path, body) {
  const answer = await fetch(`${address}/api/v1/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Origin: address },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
}

async function page(address) {
  const answer = await fetch(address)
  if (!answer.ok || !(await answer.text()).includes('<html')) throw new Error(`${address} serves no client`)
}

try {
  await run(async ({ address, link }) => {
    if (!link) throw new Error('the first start printed no link for the set-up')
    await page(address)
    await post(address, 'setup', { token: link.slice(link.indexOf('#') + 1), name: 'First', ...credentials })
  })
  await run(async ({ address, link }) => {
    if (link) throw new Error('the second start printed a link for the set-up')
    await post(address, 'session', credentials)
  })
  console.log('make run serves, and goes on with the same data')
} finally {
  rmSync(data, { recursive: true, force: true })
}
