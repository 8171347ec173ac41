/** For tests: one call with everything around it that a test moves by hand: the server's end, the devices, the media room. */
import { afterEach, beforeEach, expect, vi } from 'vitest'
import { type CallOptions, createCall } from '../call'
import type { Call, Notice } from '../types'
import { type FakeMediaDevices, installDevices, settled } from './browser'
import { Peer, type PeerSocket, welcome } from './peer'
import { ScriptedRoom } from './room'

export class Desk {
  devices!: FakeMediaDevices
  peer = new Peer()
  /** the last room that was made; there is none before a call loads one */
  room!: ScriptedRoom
  call!: Call
  /** what the newest call has told */
  notices: Notice[] = []
  /** the requests for admission */
  requests: { url: string; body: Record<string, unknown> }[] = []
  /** how the next requests are answered, in order; after them everybody is admitted */
  answers: (Response | Error)[] = []
  /** what listens to the window */
  readonly listeners = new Set<unknown>()

  /** Another call, as after a reload. */
  newCall(options: CallOptions = {}): void {
    this.notices = []
    this.call = createCall({
      connect: this.peer.connect,
      random: () => 1,
      loadRoom: async handlers => {
        this.room = new ScriptedRoom(handlers)
        return this.room
      },
      ...options,
    })
    this.call.onNotice(notice => this.notices.push(notice))
  }

  phase() {
    return this.call.getSnapshot().phase
  }

  /** Joins as Anna and is welcomed. */
  async enter(): Promise<PeerSocket> {
    await this.call.join({ link: 'council', name: 'Anna' })
    this.peer.last.accept().say(welcome())
    await settled()
    return this.peer.last
  }

  admission() {
    return {
      conference: 'conf1',
      signalling: '/conference/conf1/signalling',
      ticket: `ticket-${this.requests.length}`,
      expiresAt: '2026-11-21T10:01:00.000Z',
    }
  }

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    this.requests.push({ url, body: JSON.parse(String(init.body)) })
    const answer = this.answers.shift() ?? Response.json(this.admission())
    if (answer instanceof Error) throw answer
    return answer
  }
}

/** A refusal of the server. */
export const problem = (status: number, code: string) =>
  Response.json({ code, id: 'e1', detail: 'Said so.' }, { status })

/** A desk that is set up afresh, with a call and in virtual time, for each test of the file; after it nothing may be left running. */
export function takeDesk(): Desk {
  const desk = new Desk()
  beforeEach(() => {
    vi.useFakeTimers()
    desk.devices = installDevices()
    desk.peer = new Peer()
    desk.requests = []
    desk.answers = []
    desk.listeners.clear()
    sessionStorage.clear()
    localStorage.clear()
    const { addEventListener, removeEventListener } = window
    vi.stubGlobal('addEventListener', (...args: Parameters<typeof addEventListener>) => {
      desk.listeners.add(args[1])
      addEventListener(...args)
    })
    vi.stubGlobal('removeEventListener', (...args: Parameters<typeof removeEventListener>) => {
      desk.listeners.delete(args[1])
      removeEventListener(...args)
    })
    vi.stubGlobal('fetch', desk.fetch)
    desk.newCall()
  })
  afterEach(() => {
    desk.call.dispose()
    expect(desk.devices.live).toEqual([])
    expect(desk.devices.listening).toBe(0)
    expect(desk.peer.open).toBe(0)
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })
  return desk
}
