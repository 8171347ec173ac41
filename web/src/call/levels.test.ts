import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Meters, meterPosition } from './levels'
import { FakeTrack } from './testing/browser'

test.each([
  [0, 0],
  [-1, 0],
  [Number.NaN, 0],
  [0.001, 0],
  [0.0316, 0.5],
  [1, 1],
  [2, 1],
])('an amplitude of %d is at %d', (amplitude, position) => {
  expect(meterPosition(amplitude)).toBeCloseTo(position, 2)
})

describe('meters', () => {
  let connected: number
  let contexts: FakeContext[]

  class FakeContext {
    state: 'suspended' | 'running' | 'closed' = 'suspended'
    constructor() {
      contexts.push(this)
    }
    async resume() {
      this.state = 'running'
    }
    async close() {
      this.state = 'closed'
    }
    createMediaStreamSource() {
      return { connect: () => connected++, disconnect: () => connected-- }
    }
    createAnalyser() {
      return { fftSize: 0, getFloatTimeDomainData: (samples: Float32Array) => samples.fill(1) }
    }
  }

  beforeEach(() => {
    connected = 0
    contexts = []
    vi.stubGlobal('AudioContext', FakeContext)
  })
  afterEach(() => vi.unstubAllGlobals())
  const track = () => new FakeTrack('audio', 'mic') as unknown as MediaStreamTrack

  test('share one context, which the first question asks to run', () => {
    const meters = new Meters()
    expect(meters.level(track())).toBe(1)
    expect(meters.level(track())).toBe(1)
    expect(contexts.length).toBe(1)
    meters.close()
    expect(contexts[0]?.state).toBe('closed')
    expect(connected).toBe(0)
  })

  test('forget a track that ended', () => {
    const meters = new Meters()
    const ending = track()
    meters.level(ending)
    ending.stop()
    expect(meters.level(ending)).toBe(0)
    expect(connected).toBe(0)
  })

  test('are silent where there is no Web Audio', () => {
    vi.stubGlobal('AudioContext', undefined)
    expect(new Meters().level(track())).toBe(0)
  })
})
