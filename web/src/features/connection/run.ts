import { api, dataOf } from '../../api/client'
import { gathers, greets, hasWebRTC, ignores, type RelayAccess, serverFor, type Way } from './probes'

/** The checks in the order in which they are made and shown. */
export const checks = ['browser', 'secure', 'server', 'socket', 'udp', 'relayUdp', 'relayTls'] as const

export type Check = (typeof checks)[number]

/**
 * `absent`: this server does not offer it; `skipped`: it could not be tried, because something before it failed;
 * `ignored`: this browser would not use it in a call either.
 */
export type Result = 'waiting' | 'running' | 'good' | 'bad' | 'absent' | 'skipped' | 'ignored'

export type Results = Readonly<Record<Check, Result>>

export const nothingYet: Results = {
  browser: 'waiting',
  secure: 'waiting',
  server: 'waiting',
  socket: 'waiting',
  udp: 'waiting',
  relayUdp: 'waiting',
  relayTls: 'waiting',
}

/** What the checks ask; tests put others in their place. */
export interface Probes {
  /** The name or address of the server, as the page's own address has it. */
  readonly host: string
  readonly hasWebRTC: () => boolean
  readonly isSecure: () => boolean
  readonly fetchTest: () => Promise<{ readonly socket: string; readonly relay: RelayAccess }>
  readonly greets: (path: string) => Promise<boolean>
  readonly ignores: (server: RTCIceServer) => boolean
  readonly gathers: (server: RTCIceServer) => Promise<boolean>
}

export const realProbes: Probes = {
  host: location.hostname,
  hasWebRTC,
  isSecure: () => isSecureContext,
  fetchTest: () => dataOf(api.GET('/api/v1/connection-test')),
  greets,
  ignores,
  gathers,
}

/** Makes the checks one after another and tells each change; ends early when `signal` is aborted. */
export async function run(probes: Probes, tell: (results: Results) => void, signal: AbortSignal): Promise<Results> {
  let results = nothingYet
  const set = (check: Check, result: Result) => {
    results = { ...results, [check]: result }
    if (!signal.aborted) tell(results)
  }
  const make = async (check: Check, ask: () => boolean | Promise<boolean>) => {
    if (signal.aborted) return
    set(check, 'running')
    set(check, (await ask()) ? 'good' : 'bad')
  }
  await make('browser', probes.hasWebRTC)
  await make('secure', probes.isSecure)
  let test: Awaited<ReturnType<Probes['fetchTest']>> | undefined
  await make('server', async () => {
    test = await probes.fetchTest().catch(() => undefined)
    return test !== undefined
  })
  if (!test) {
    for (const check of ['socket', 'udp', 'relayUdp', 'relayTls'] as const) set(check, 'skipped')
    return results
  }
  const { socket, relay } = test
  await make('socket', () => probes.greets(socket))
  const way = async (check: Way, ask: (server: RTCIceServer) => Promise<boolean>) => {
    const server = serverFor(check, relay, probes.host)
    if (results.browser === 'bad') set(check, 'skipped')
    else if (server && probes.ignores(server)) set(check, 'ignored')
    else if (server) await make(check, () => ask(server))
    else set(check, check === 'udp' ? 'skipped' : 'absent') // without a relay nothing listens for a test
  }
  // Without address translation between here and there the browser does not repeat its own address; what the relay
  // gives by UDP shows the same.
  const relayUdp = serverFor('relayUdp', relay, probes.host)
  let byUdp: Promise<boolean> | undefined
  const askRelay = (server: RTCIceServer) => {
    byUdp ??= probes.gathers(server)
    return byUdp
  }
  await way(
    'udp',
    async server => (await probes.gathers(server)) || (relayUdp !== undefined && (await askRelay(relayUdp))),
  )
  await way('relayUdp', askRelay)
  await way('relayTls', probes.gathers)
  return results
}

export type Verdict = 'good' | 'relayed' | 'noMedia' | 'unknown' | 'bad'

/** What the checks mean together; undefined while they are under way. */
export function verdictOf(results: Results): Verdict | undefined {
  if (checks.some(check => results[check] === 'waiting' || results[check] === 'running')) return undefined
  if ((['browser', 'secure', 'server', 'socket'] as const).some(check => results[check] !== 'good')) return 'bad'
  if (results.udp === 'good') return 'good'
  if (results.relayTls === 'good') return 'relayed'
  const untried = results.relayTls === 'absent' || results.relayTls === 'ignored'
  return results.udp === 'skipped' && untried ? 'unknown' : 'noMedia'
}
