import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

/**
 * Relays every connection to `listen` on to `target`. Each is what node:net takes: a host and port, or the path of a
 * unix socket. Resolves with the listener when it listens.
 */
export async function relay(listen, target) {
  const listener = createServer({ noDelay: true }, inner => {
    const outer = connect({ ...target, noDelay: true })
    const end = () => {
      inner.destroy()
      outer.destroy()
    }
    inner.on('error', end).on('close', end).pipe(outer)
    outer.on('error', end).on('close', end).pipe(inner)
  })
  listener.listen(listen)
  await once(listener, 'listening')
  return listener
}

// As a program it runs inside a network namespace: node relay.mjs LISTEN TARGET, both as JSON; prints "ready".
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [listen, target] = process.argv.slice(2).map(end => JSON.parse(end))
  await relay(listen, target)
  console.log('ready')
}
