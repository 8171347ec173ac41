/** For tests: a media room that does what it is told, in place of an SFU's client, which needs a browser with WebRTC. */
import type { Access, MediaRoom, Outgoing, PersonMedia, RoomHandlers, Source } from '../media'
import type { VideoRef } from '../types'

export class ScriptedRoom implements MediaRoom {
  readonly connects: Access[] = []
  readonly tokens: string[] = []
  readonly sent = new Map<Source, Outgoing | undefined>()
  readonly attached: VideoRef[] = []
  disconnects = 0
  video = true
  speaker: string | undefined
  here = new Map<string, PersonMedia>()
  /** how the next connections end, in order; after them they succeed */
  readonly failures: Error[] = []
  readonly handlers: RoomHandlers

  constructor(handlers: RoomHandlers) {
    this.handlers = handlers
  }

  connect = async (access: Access) => {
    this.connects.push(access)
    const failure = this.failures.shift()
    if (failure) throw failure
  }
  disconnect = async () => {
    this.disconnects++
  }
  renew = ({ token }: Access) => {
    this.tokens.push(token)
  }
  publish = (source: Source, outgoing: Outgoing | undefined) => {
    this.sent.set(source, outgoing)
  }
  wantVideo = (wanted: boolean) => {
    this.video = wanted
  }
  setSpeaker = async (id: string) => {
    this.speaker = id
  }
  startSound = async () => {
    this.handlers.soundBlocked(false)
  }
  attach = (ref: VideoRef) => {
    this.attached.push(ref)
    return () => {
      this.attached.splice(this.attached.indexOf(ref), 1)
    }
  }
  level = () => 0.5
  people = () => this.here
}
