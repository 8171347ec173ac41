import type { Page } from '@playwright/test'

interface Stopwatch {
  konklaveClick?: number
  konklaveDecoded?: number[]
  konklaveSeen?: number[]
}

/** The parts of Chromium's API that TypeScript's library does not know. */
interface FrameReader {
  readonly readable: ReadableStream<{ close(): void }>
}
type FrameReaderConstructor = new (options: { track: MediaStreamTrack }) => FrameReader

/**
 * Runs in the page before its own scripts. Takes the time of the click on the button that joins, of the first decoded frame
 * of each remote video track, and of the first frame of each that is on the screen. Times are milliseconds since 1970 with
 * fractions, so that two browsers on one machine can be compared.
 */
export function takeTimes(): void {
  const watch = globalThis as unknown as Stopwatch
  const now = () => performance.timeOrigin + performance.now()
  const decoded: number[] = []
  const seen: number[] = []
  watch.konklaveDecoded = decoded
  watch.konklaveSeen = seen
  const remote = new Set<string>()
  const Reader = (globalThis as unknown as { MediaStreamTrackProcessor: FrameReaderConstructor })
    .MediaStreamTrackProcessor
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      this.addEventListener('track', ({ track }) => {
        if (track.kind !== 'video') return
        remote.add(track.id)
        const reader = new Reader({ track: track.clone() }).readable.getReader()
        void reader.read().then(({ value }) => {
          decoded.push(now())
          value?.close()
          void reader.cancel()
        })
      })
    }
  }
  addEventListener(
    'click',
    event => {
      const button = event.target instanceof Element ? event.target.closest('button[type=submit]') : null
      if (button) watch.konklaveClick = now()
    },
    { capture: true },
  )
  const watched = new WeakSet<HTMLVideoElement>()
  const observe = () => {
    for (const video of document.querySelectorAll('video')) {
      const track = video.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks()[0] : undefined
      if (!track || !remote.has(track.id) || watched.has(video)) continue
      watched.add(video)
      video.requestVideoFrameCallback(() => seen.push(now()))
    }
    requestAnimationFrame(observe)
  }
  requestAnimationFrame(observe)
}

export interface Times {
  readonly click: number
  readonly decoded: readonly number[]
  readonly seen: readonly number[]
}

export function times(page: Page): Promise<Times> {
  return page.evaluate(() => {
    const watch = globalThis as unknown as Stopwatch
    return {
      click: watch.konklaveClick ?? 0,
      decoded: watch.konklaveDecoded ?? [],
      seen: watch.konklaveSeen ?? [],
    }
  })
}
