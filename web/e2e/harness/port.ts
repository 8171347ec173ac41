import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Where ports are looked for: below those that systems give to whoever asks for any, so that a port that is free stays free. */
const lowest = 20_000
const highest = 32_000

/** A port of loopback that is free for TCP and UDP, for a server that has to be told one before it listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if ((await isFree(port, 'tcp')) && (await isFree(port, 'udp'))) return port
  }
}

async function isFree(port: number, protocol: 'tcp' | 'udp'): Promise<boolean> {
  const probe =
    protocol === 'tcp' ? createServer().listen(port, '127.0.0.1') : createSocket('udp4').bind(port, '127.0.0.1')
  try {
    await once(probe, 'listening')
  } catch {
    return false
  }
  await new Promise<void>(resolve => probe.close(() => resolve()))
  return true
}
