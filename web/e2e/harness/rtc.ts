import { expect, type Page } from '@playwright/test'

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
  readonly track: string
  readonly bytes: number
  readonly framesDecoded: number
  readonly frameWidth: number
  readonly energy: number
}

/** Everything the page receives right now, over all its living connections. */
export function received(page: Page): Promise<Received[]> {
  return page.evaluate(async () => {
    const connections = (globalThis as Recorded).konklaveConnections ?? []
    const streams: Received[] = []
    for (const connection of connections) {
      if (connection.connectionState === 'closed') continue
      for (const stat of (await connection.getStats()).values()) {
        if (stat.type !== 'inbound-rtp') continue
        streams.push({
          kind: stat.kind,
          track: stat.trackIdentifier,
          bytes: stat.bytesReceived,
          framesDecoded: stat.framesDecoded ?? 0,
          frameWidth: stat.frameWidth ?? 0,
          energy: stat.totalAudioEnergy ?? 0,
        })
      }
    }
    return streams
  })
}

/** The video that the participant's tile shows, with what its stream has decoded. */
export interface Shown {
  readonly participant: string
  readonly source: string
  readonly own: boolean
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
      const { framesDecoded = 0, frameWidth = 0 } = stream ?? {}
      return { ...tile, own: stream === undefined, framesDecoded, frameWidth }
    })
}

/** Waits until `count` videos of others are decoded: frames arrive from now on. */
export async function expectMovingVideos(page: Page, count: number, timeout = 20_000): Promise<void> {
  await expect
    .poll(growing(page, 'framesDecoded', 'video'), { message: 'videos whose frames grow', timeout })
    .toBeGreaterThanOrEqual(count)
}

/** Waits until the sound of `count` others carries energy from now on. */
export async function expectAudibleVoices(page: Page, count: number, timeout = 20_000): Promise<void> {
  await expect
    .poll(growing(page, 'energy', 'audio'), { message: 'voices whose energy grows', timeout })
    .toBeGreaterThanOrEqual(count)
}

/** A look that counts the streams whose figure has grown since a look first saw them. */
function growing(page: Page, figure: 'framesDecoded' | 'energy', kind: Received['kind']): () => Promise<number> {
  const first = new Map<string, number>()
  return async () => {
    const streams = (await received(page)).filter(stream => stream.kind === kind)
    return streams.filter(stream => {
      const earlier = first.get(stream.track)
      if (earlier === undefined) first.set(stream.track, stream[figure])
      return earlier !== undefined && stream[figure] > earlier
    }).length
  }
}
