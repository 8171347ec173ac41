import type { components } from '../../api/schema'
import { ownRelays } from '../../call/relays'

/** Questions to the browser and to the network; each answers whether something works, and never throws. */

export type RelayAccess = components['schemas']['RelayAccess']

/** How long an answer from the network may take, in milliseconds: TURN over UDP repeats its request for up to 9.5 s. */
export const patience = 12_000

/** Whether the browser has what a meeting needs, wherever the page comes from. */
export function hasWebRTC(): boolean {
  return typeof RTCPeerConnection === 'function' && typeof WebSocket === 'function'
}

/** Whether a WebSocket at the path opens and says ok. */
export function greets(path: string): Promise<boolean> {
  const address = new URL(path, location.href)
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
  return within(patience, settle => {
    const socket = new WebSocket(address)
    socket.onmessage = ({ data }) => settle(data === 'ok')
    socket.onclose = () => settle(false)
    return () => socket.close()
  })
}

export type Way = 'udp' | 'relayUdp' | 'relayTls'

/** How the addresses of each way begin and end (RFC 7065). */
const addresses: Readonly<Record<Way, RegExp>> = {
  udp: /^turn:.*=udp$/i,
  relayUdp: /^turn:.*=udp$/i,
  relayTls: /^turns:.*=tcp$/i,
}

/**
 * The server to ask about a way, as the browser wants it; undefined when there is none for it.
 * Only relays that a call from this host would use count: others would be tried in vain.
 */
export function serverFor(way: Way, relay: RelayAccess, host: string): RTCIceServer | undefined {
  const [own] = ownRelays([relay], host)
  const urls = [own?.urls ?? []].flat().filter(url => addresses[way].test(url))
  if (!own || urls.length === 0) return undefined
  if (way === 'udp') return { urls: urls.map(url => url.replace(/^turn:/i, 'stun:').replace(/\?.*$/, '')) }
  return { ...own, urls }
}

/** A relay over TLS whose address is an IP address (RFC 7065, RFC 3986). */
const numbered = /^turns:(\d+\.\d+\.\d+\.\d+|\[[^\]]*\])(:|\?|$)/i

/** Whether the browser passes over a server without a word: Firefox does, over TLS at a number. */
export function ignores({ urls }: RTCIceServer): boolean {
  return /\bFirefox\//.test(navigator.userAgent) && [urls].flat().every(url => numbered.test(url))
}

/** Whether the browser gets an address from this server: its own as seen from there (STUN), or one of the relay (TURN). */
export function gathers(server: RTCIceServer): Promise<boolean> {
  const wanted = server.username === undefined ? 'srflx' : 'relay'
  return within(patience, settle => {
    const connection = new RTCPeerConnection({
      iceServers: [server],
      iceTransportPolicy: wanted === 'relay' ? 'relay' : 'all',
    })
    connection.onicecandidate = ({ candidate }) => {
      if (candidate === null) settle(false)
      else if (typeOf(candidate.candidate) === wanted) settle(true)
    }
    connection.createDataChannel('test')
    connection.setLocalDescription().catch(() => settle(false))
    return () => connection.close()
  })
}

/** The type in a candidate line (RFC 8839, section 5.1). */
export function typeOf(candidate: string): string | undefined {
  return / typ (\w+)/.exec(candidate)?.[1]
}

export type Device = 'microphone' | 'camera'

/** Whether such a device is there; asks nobody for permission. */
export async function isPresent(device: Device): Promise<boolean> {
  const kind = device === 'camera' ? 'videoinput' : 'audioinput'
  const all = await navigator.mediaDevices.enumerateDevices().catch(() => [])
  return all.some(each => each.kind === kind)
}

/** Opens a device and closes it again, which makes the browser ask for permission. Throws what the browser throws. */
export async function open(device: Device): Promise<void> {
  const stream = await navigator.mediaDevices.getUserMedia(device === 'camera' ? { video: true } : { audio: true })
  for (const track of stream.getTracks()) track.stop()
}

/** The first answer that `begin` settles on, or false when it takes too long; what it began is ended in either case. */
function within(limit: number, begin: (settle: (answer: boolean) => void) => () => void): Promise<boolean> {
  return new Promise(resolve => {
    let end = () => {}
    let answered = false
    const settle = (answer: boolean) => {
      if (answered) return
      answered = true
      clearTimeout(timer)
      resolve(answer)
      end()
    }
    const timer = setTimeout(() => settle(false), limit)
    try {
      end = begin(settle)
      if (answered) end()
    } catch {
      settle(false) // the browser refuses even to try
    }
  })
}
