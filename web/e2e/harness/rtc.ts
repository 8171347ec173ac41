import { expect, type Page } from '@playwright/test'

/** A page of either driver, as far as a look into it goes. */
export interface Evaluates {
  evaluate<T>(run: () => T | Promise<T>): Promise<T>
}

interface Recorded {
  konklaveConnections?: RTCPeerConnection[]
}

/** Runs in the page before its own scripts: remembers every connection, so that its statistics can be asked for. */
export function recordConnections(): void {
  const connections: RTCPeerConnection[] = []
  ;(globalThis as Recorded).konklaveConnections = connections
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      connections.push(this)
    }
  }
}

/** One received stream, as the browser counts it. */
export interface Received {
  readonly kind: 'audio' | 'video'
  /** tells it from every other stream that the page ever had: a new connection counts from nothing, also for an old track */
  readonly id: string
  readonly track: string
  /** short name, such as vp8; empty until something has arrived */
  readonly codec: string
  readonly bytes: number
  readonly framesDecoded: number
  readonly frameWidth: number
  readonly energy: number
  readonly packets: number
  /** packets that came too late to be of use: with redundant sound (RFC 2198) the second copy of nearly each */
  readonly spare: number
}

/** Everything the page receives right now, over all its living connections. */
export function received(page: Evaluates): Promise<Received[]> {
  return page.evaluate(async () => {
    const connections = (globalThis as Recorded).konklaveConnections ?? []
    const streams: Received[] = []
    for (const [index, connection] of connections.entries()) {
      if (connection.connectionState === 'closed') continue
      const stats = await connection.getStats()
      for (const stat of stats.values()) {
        if (stat.type !== 'inbound-rtp') continue
        const codec: string = stats.get(stat.codecId)?.mimeType ?? ''
        streams.push({
          kind: stat.kind,
          id: `${index} ${stat.id}`,
          track: stat.trackIdentifier,
          codec: codec.slice(codec.indexOf('/') + 1).toLowerCase(),
          bytes: stat.bytesReceived,
          framesDecoded: stat.framesDecoded ?? 0,
          frameWidth: stat.frameWidth ?? 0,
          energy: stat.totalAudioEnergy ?? 0,
          packets: stat.packetsReceived,
          spare: stat.packetsDiscarded ?? 0,
        })
      }
    }
    return streams
  })
}

/** How media travels on a living connection. */
export interface Way {
  /** `relay by tls`, `host by udp` and so on */
  readonly kind: string
  /** tells the browser's end of it from every other that the page ever had */
  readonly end: string
}

export function ways(page: Evaluates): Promise<Way[]> {
  return page.evaluate(async () => {
    const connections = (globalThis as Recorded).konklaveConnections ?? []
    const found: Way[] = []
    for (const [index, connection] of connections.entries()) {
      if (connection.connectionState !== 'connected') continue
      const stats = await connection.getStats()
      for (const stat of stats.values()) {
        if (stat.type !== 'transport') continue
        const local = stats.get(stats.get(stat.selectedCandidatePairId)?.localCandidateId)
        const kind = `${local?.candidateType} by ${local?.relayProtocol ?? local?.protocol}`
        found.push({ kind, end: `${index} ${local?.id}` })
      }
    }
    return found
  })
}

/** The codecs, by their short names, in which the page sends video right now. */
export function sentCodecs(page: Evaluates): Promise<string[]> {
  return page.evaluate(async () => {
    const connections = (globalThis as Recorded).konklaveConnections ?? []
    const codecs = new Set<string>()
    for (const connection of connections) {
      if (connection.connectionState === 'closed') continue
      const stats = await connection.getStats()
      for (const stat of stats.values()) {
        if (stat.type !== 'outbound-rtp' || stat.kind !== 'video' || !stat.framesEncoded) continue
        const codec: string = stats.get(stat.codecId)?.mimeType ?? ''
        codecs.add(codec.slice(codec.indexOf('/') + 1).toLowerCase())
      }
    }
    return [...codecs]
  })
}

/** The video that the participant's tile shows, with what its stream has decoded. */
export interface Shown {
  readonly participant: string
  readonly source: string
  readonly own: boolean
  /** short name, empty for own pictures */
  readonly codec: string
  readonly framesDecoded: number
  readonly frameWidth: number
  /** what the element shows; counts own pictures too */
  readonly width: number
}

export async function shown(page: Page): Promise<Shown[]> {
  const streams = await received(page)
  const tiles = await page.evaluate(() =>
    Array.from(document.querySelectorAll<HTMLElement>('[data-participant][data-source]'), tile => {
      const video = tile.querySelector('video')
      const track = video?.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks()[0] : undefined
      return {
        participant: tile.dataset['participant'] ?? '',
        source: tile.dataset['source'] ?? '',
        track: track?.id ?? '',
        width: video?.videoWidth ?? 0,
      }
    }),
  )
  return tiles
    .filter(tile => tile.track !== '')
    .map(({ track, ...tile }) => {
      const stream = streams.find(candidate => candidate.kind === 'video' && candidate.track === track)
      const { codec = '', framesDecoded = 0, frameWidth = 0 } = stream ?? {}
      return { ...tile, own: stream === undefined, codec, framesDecoded, frameWidth }
    })
}

/** Waits until `count` videos of others are decoded: frames arrive from now on. */
export async function expectMovingVideos(page: Evaluates, count: number, timeout = 30_000): Promise<void> {
  await expect
    .poll(growing(page, 'framesDecoded', 'video'), { message: 'videos whose frames grow', timeout })
    .toBeGreaterThanOrEqual(count)
}

/** Waits until the sound of `count` others carries energy from now on. */
export async function expectAudibleVoices(page: Evaluates, count: number, timeout = 30_000): Promise<void> {
  await expect
    .poll(growing(page, 'energy', 'audio'), { message: 'voices whose energy grows', timeout })
    .toBeGreaterThanOrEqual(count)
}

/** A look that counts the tracks with a stream whose figure has grown since a look first saw it. */
function growing(page: Evaluates, figure: 'framesDecoded' | 'energy', kind: Received['kind']): () => Promise<number> {
  const first = new Map<string, number>()
  return async () => {
    const streams = (await received(page)).filter(stream => stream.kind === kind)
    const grown = streams.filter(stream => {
      const earlier = first.get(stream.id)
      if (earlier === undefined) first.set(stream.id, stream[figure])
      return earlier !== undefined && stream[figure] > earlier
    })
    return new Set(grown.map(stream => stream.track)).size
  }
}

/** Waits until nothing arrives any more between two looks, which lie further apart than frames do. */
export async function expectStandstill(page: Evaluates, timeout: number): Promise<void> {
  let before: string | undefined // until the first look, which the poll takes at once
  const changed = async () => {
    const now = JSON.stringify((await received(page)).map(stream => [stream.id, stream.framesDecoded, stream.energy]))
    const still = now === before
    before = now
    return !still
  }
  await expect.poll(changed, { message: 'streams stand still', timeout, intervals: [1_000] }).toBe(false)
}

/** The ids of the devices whose tracks the page sends. */
export function sentDevices(page: Evaluates): Promise<string[]> {
  return page.evaluate(() =>
    ((globalThis as Recorded).konklaveConnections ?? [])
      .filter(connection => connection.connectionState !== 'closed')
      .flatMap(connection => connection.getSenders())
      .map(sender => sender.track?.getSettings().deviceId ?? ''),
  )
}

/** What the browser was told about the contents of the videos that the page sends. */
export function sentHints(page: Evaluates): Promise<string[]> {
  return page.evaluate(() =>
    ((globalThis as Recorded).konklaveConnections ?? [])
      .filter(connection => connection.connectionState !== 'closed')
      .flatMap(connection => connection.getSenders())
      .map(sender => sender.track?.contentHint ?? ''),
  )
}

/** Whether both sides agreed on Opus with discontinuous transmission (RFC 7587, section 3.1.3) for what the page sends. */
export function sendsSilenceSparingly(page: Evaluates): Promise<boolean> {
  return page.evaluate(() =>
    ((globalThis as Recorded).konklaveConnections ?? [])
      .filter(connection => connection.connectionState !== 'closed')
      .some(connection => /^a=fmtp:\d+ .*usedtx=1/m.test(connection.remoteDescription?.sdp ?? '')),
  )
}
