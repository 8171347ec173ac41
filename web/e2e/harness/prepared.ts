import { type Account, administrator } from './acts'
import type { Server } from './server'

/** A server that has its administrator and two meetings, made over the REST interface. */
export interface Prepared {
  /** the path of a meeting that guests may join */
  readonly link: string
  /** the path of one that they may not */
  readonly closed: string
}

export async function prepare(server: Server, account: Account = administrator): Promise<Prepared> {
  const token = new URL(server.setupLink).hash.slice(1)
  const { cookie } = await call(server, '/api/v1/setup', { ...account, token, language: 'en' })
  const meeting = async (title: string, guestsAllowed: boolean) => {
    const { body } = await call(server, '/api/v1/meetings', { title, guestsAllowed }, cookie)
    return `/join/${(body as { link: string }).link}`
  }
  return { link: await meeting('Council', true), closed: await meeting('Closed session', false) }
}

async function call(
  server: Server,
  path: string,
  body: object,
  cookie = '',
): Promise<{ body: unknown; cookie: string }> {
  const headers = { 'content-type': 'application/json', origin: new URL(server.address).origin, cookie }
  const answer = await fetch(`${server.address}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`)
  const cookies = answer.headers.getSetCookie().map(each => each.split(';')[0])
  return { body: await answer.json(), cookie: cookies.join('; ') }
}
