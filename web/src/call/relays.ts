import type { MediaAccess } from './frames'

/** `turn:host:port?transport=udp` and `turns:host:port?transport=tcp` (RFC 7065), the host of IPv6 in brackets. */
const relay = /^turns?:(\[[0-9a-f:.]+\]|[^:[\]?]+):\d{1,5}\?transport=(?:udp|tcp)$/i

/** The relays at the host that the page came from. Whatever is listed, no other host is ever asked. */
export function ownRelays(listed: MediaAccess['ice'], host: string): RTCIceServer[] {
  return listed.flatMap(({ urls, username, credential }) => {
    const own = urls.filter(url => relay.exec(url)?.[1]?.toLowerCase() === host.toLowerCase())
    return own.length > 0 ? [{ urls: own, username, credential }] : []
  })
}
