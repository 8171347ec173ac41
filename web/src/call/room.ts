/**
 * The one file that knows the SFU's client library. It is loaded by a dynamic import, so that the library
 * is a chunk of its own, fetched after the first paint of the join page.
 */
import {
  AudioPresets,
  type BackupVideoCodec,
  LogLevel,
  type RemoteParticipant,
  type RemoteTrack,
  type RemoteTrackPublication,
  Room,
  RoomEvent,
  ScreenSharePresets,
  setLogLevel,
  Track,
  TrackEvent,
  type TrackPublishOptions,
  VideoPresets,
  VideoQuality,
} from 'livekit-client'
import { Meters } from './levels'
import type { Access, MediaRoom, Outgoing, PersonMedia, RoomHandlers, Source, VideoCodecName } from './media'
import { Publication } from './publication'
import { ownRelays } from './relays'
import type { ScreenHint, VideoRef } from './types'

/** Every browser can send and show it. */
const backup: BackupVideoCodec & VideoCodecName = 'vp8'

/** Milliseconds until a connection that does not come about is given up and tried anew. */
const peerConnectionTimeout = 10_000
const websocketTimeout = 5_000

/** Pauses of the library's own attempts, in milliseconds; after them the engine connects afresh. */
const retryPauses = [0, 300, 600, 1_000, 1_500, 2_000, 2_500, 3_000]

/** More pixels per CSS pixel than this are not seen in a moving picture. */
const maxPixelDensity = 2

const sources: Readonly<Record<Source, Track.Source>> = {
  microphone: Track.Source.Microphone,
  camera: Track.Source.Camera,
  screen: Track.Source.ScreenShare,
  screenSound: Track.Source.ScreenShareAudio,
}

export function createRoom(handlers: RoomHandlers): MediaRoom {
  setLogLevel(LogLevel.silent)
  void rehearse()
  return new SfuRoom(handlers)
}

/**
 * Makes the browser load its WebRTC engine and its compressor before the person clicks "Join":
 * both are slow the first time. Nothing leaves the browser, and where it fails, joining is only slower.
 */
async function rehearse(): Promise<void> {
  try {
    const connection = new RTCPeerConnection({ iceServers: [] })
    connection.addTransceiver('audio', { direction: 'recvonly' })
    connection.addTransceiver('video', { direction: 'recvonly' })
    await connection.createOffer()
    connection.close()
    await new Response(new Blob(['x']).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer()
  } catch {
    return
  }
}

class SfuRoom implements MediaRoom {
  private readonly room: Room
  private readonly handlers: RoomHandlers
  private readonly publications: ReadonlyMap<Source, Publication>
  private readonly attachments = new Map<HTMLVideoElement, VideoRef>()
  private readonly players = new Map<RemoteTrack, HTMLMediaElement>()
  private readonly meters = new Meters()
  private videoWanted = true
  private leaving = false
  private codec: VideoCodecName = backup
  /** The library reads it whenever it connects. A list, if an empty one: without a list it would ask others. */
  private readonly rtcConfig: RTCConfiguration & { iceServers: RTCIceServer[] } = { iceServers: [] }

  constructor(handlers: RoomHandlers) {
    this.handlers = handlers
    this.room = new Room({
      adaptiveStream: { pixelDensity: pixelDensity() },
      dynacast: true,
      // One for each direction: the server offers what there is to see while the browser still prepares what it sends.
      singlePeerConnection: false,
      disconnectOnPageLeave: true,
      stopLocalTrackOnUnpublish: false,
      reconnectPolicy: {
        nextRetryDelayInMs: ({ retryCount }) => {
          const pause = retryPauses[retryCount]
          return pause === undefined ? null : pause * (0.75 + Math.random() / 2)
        },
      },
    })
    // All of them at once: one that is made later would not learn that the line stands.
    const entries = (Object.keys(sources) as Source[]).map(
      source =>
        [source, new Publication(this.room, sources[source], source.startsWith('screen'), handlers.failed)] as const,
    )
    this.publications = new Map(entries)
    this.listen()
  }

  async connect({ path, token, codec, ice }: Access): Promise<void> {
    this.leaving = false
    this.codec = codec
    const url = new URL(path, location.href.replace(/^http/, 'ws')).href
    this.rtcConfig.iceServers = ownRelays(ice, location.hostname)
    const { rtcConfig } = this
    await this.room.connect(url, token, { rtcConfig, peerConnectionTimeout, websocketTimeout, maxRetries: 0 })
  }

  async disconnect(): Promise<void> {
    this.leaving = true
    await this.room.disconnect(false)
  }

  renew({ token, ice }: Access): void {
    this.rtcConfig.iceServers = ownRelays(ice, location.hostname)
    // The way the server's own message takes; while the line is down that message cannot come.
    this.room.engine?.client.onTokenRefresh?.(token)
  }

  publish(source: Source, outgoing: Outgoing | undefined): void {
    const options = (wanted: Outgoing) => publishOptions(source, this.codec, wanted.hint)
    this.publications.get(source)?.want(outgoing && { track: outgoing.track, options: () => options(outgoing) })
  }

  wantVideo(wanted: boolean): void {
    this.videoWanted = wanted
    for (const person of this.room.remoteParticipants.values()) {
      for (const publication of person.videoTrackPublications.values()) publication.setSubscribed(wanted)
    }
  }

  async setSpeaker(id: string): Promise<void> {
    await this.room.switchActiveDevice('audiooutput', id)
  }

  async startSound(): Promise<void> {
    await this.room.startAudio()
  }

  attach(ref: VideoRef, element: HTMLVideoElement): () => void {
    this.attachments.set(element, ref)
    const publication = this.remotePublication(ref)
    if (publication?.track) show(publication.track, publication, element)
    return () => {
      this.attachments.delete(element)
      this.remotePublication(ref)?.track?.detach(element)
    }
  }

  level(participant: string): number {
    const track = this.room.remoteParticipants.get(participant)?.getTrackPublication(Track.Source.Microphone)?.track
    return track ? this.meters.level(track.mediaStreamTrack) : 0
  }

  people(): ReadonlyMap<string, PersonMedia> {
    const { localParticipant, remoteParticipants } = this.room
    const all = new Map<string, PersonMedia>()
    for (const person of [...remoteParticipants.values(), localParticipant]) {
      const on = (source: Source) => {
        const publication = person.getTrackPublication(sources[source])
        return publication !== undefined && !publication.isMuted
      }
      all.set(person.identity, {
        microphone: on('microphone'),
        camera: on('camera'),
        screen: on('screen'),
        speaking: person.isSpeaking,
        quality: person.connectionQuality,
      })
    }
    return all
  }

  private remotePublication(ref: VideoRef): RemoteTrackPublication | undefined {
    return this.room.remoteParticipants.get(ref.participant)?.getTrackPublication(sources[ref.source])
  }

  private listen(): void {
    const { changed } = this.handlers
    for (const event of [
      RoomEvent.ParticipantConnected,
      RoomEvent.ParticipantDisconnected,
      RoomEvent.TrackUnpublished,
      RoomEvent.TrackMuted,
      RoomEvent.TrackUnmuted,
      RoomEvent.ActiveSpeakersChanged,
      RoomEvent.ConnectionQualityChanged,
    ] as const) {
      this.room.on(event, () => changed())
    }
    this.room
      .on(RoomEvent.SignalConnected, this.signalConnected)
      .on(RoomEvent.Connected, changed)
      .on(RoomEvent.TrackPublished, this.published)
      .on(RoomEvent.TrackSubscribed, this.subscribed)
      .on(RoomEvent.TrackUnsubscribed, this.unsubscribed)
      .on(RoomEvent.SignalReconnecting, this.reconnecting)
      .on(RoomEvent.Reconnecting, this.reconnecting)
      .on(RoomEvent.Reconnected, this.reconnected)
      .on(RoomEvent.Disconnected, this.disconnected)
      .on(RoomEvent.AudioPlaybackStatusChanged, playing => this.handlers.soundBlocked(!playing))
  }

  private readonly signalConnected = (): void => {
    for (const publication of this.publications.values()) publication.connected()
    this.wantVideoOfAll()
    this.handlers.changed()
  }

  private readonly reconnecting = (): void => {
    for (const publication of this.publications.values()) publication.disconnected()
    this.handlers.line('reconnecting')
  }

  private readonly reconnected = (): void => {
    for (const publication of this.publications.values()) publication.connected()
    this.wantVideoOfAll()
    this.handlers.line('connected')
    this.handlers.changed()
  }

  private readonly disconnected = (): void => {
    for (const publication of this.publications.values()) publication.disconnected()
    for (const track of [...this.players.keys()]) this.silence(track)
    this.meters.close()
    if (!this.leaving) this.handlers.line('closed')
    this.handlers.changed()
  }

  private readonly published = (publication: RemoteTrackPublication): void => {
    if (!this.videoWanted && publication.kind === Track.Kind.Video) publication.setSubscribed(false)
    this.handlers.changed()
  }

  private wantVideoOfAll(): void {
    if (!this.videoWanted) this.wantVideo(false)
  }

  private readonly subscribed = (
    track: RemoteTrack,
    publication: RemoteTrackPublication,
    person: RemoteParticipant,
  ): void => {
    if (track.kind === Track.Kind.Audio) this.play(track)
    else {
      for (const [element, ref] of this.attachments) {
        if (ref.participant !== person.identity || sources[ref.source] !== publication.source) continue
        show(track, publication, element)
      }
    }
    this.handlers.changed()
  }

  private readonly unsubscribed = (track: RemoteTrack): void => {
    this.silence(track)
    track.detach()
    this.handlers.changed()
  }

  private play(track: RemoteTrack): void {
    const element = document.createElement('audio')
    element.hidden = true
    document.body.append(element)
    this.players.set(track, element)
    track.attach(element)
  }

  private silence(track: RemoteTrack): void {
    const element = this.players.get(track)
    if (!element) return
    this.players.delete(track)
    this.meters.release(track.mediaStreamTrack)
    track.detach(element)
    element.remove()
  }
}

/**
 * Attaches a video. The library first asks for the best layer and measures the element a moment later;
 * telling it the size at once spares a publisher the start of a layer that nobody looks at.
 */
function show(track: RemoteTrack, publication: RemoteTrackPublication, element: HTMLVideoElement): void {
  const first = track.attachedElements.length === 0
  if (first) {
    const { clientWidth: width, clientHeight: height } = element
    if (width > 0 && height > 0) {
      publication.setVideoDimensions({ width: width * pixelDensity(), height: height * pixelDensity() })
      // From the first measurement on, the measured size counts alone.
      track.once(TrackEvent.VideoDimensionsChanged, () => publication.setVideoQuality(VideoQuality.HIGH))
    }
  }
  track.attach(element)
}

function pixelDensity(): number {
  return Math.min(devicePixelRatio || 1, maxPixelDensity)
}

/** Sharp text wants bits per picture, film wants pictures per second. */
function publishOptions(source: Source, videoCodec: VideoCodecName, hint: ScreenHint | undefined): TrackPublishOptions {
  const base = { source: sources[source] }
  const codec = { videoCodec, backupCodec: videoCodec === backup ? (false as const) : { codec: backup } }
  switch (source) {
    case 'microphone':
      return { ...base, audioPreset: AudioPresets.speech, red: true, dtx: true, forceStereo: false }
    case 'screenSound':
      return { ...base, audioPreset: AudioPresets.musicHighQualityStereo, red: false, dtx: false, forceStereo: true }
    case 'camera':
      return {
        ...base,
        ...codec,
        simulcast: true,
        videoEncoding: VideoPresets.h720.encoding,
        videoSimulcastLayers: [VideoPresets.h180, VideoPresets.h360],
      }
    case 'screen': {
      const detail = hint !== 'motion'
      return {
        ...base,
        ...codec,
        simulcast: true,
        screenShareEncoding: (detail ? ScreenSharePresets.h1080fps15 : ScreenSharePresets.h1080fps30).encoding,
        screenShareSimulcastLayers: [detail ? ScreenSharePresets.h360fps3 : ScreenSharePresets.h360fps15],
        degradationPreference: detail ? 'maintain-resolution' : 'maintain-framerate',
      }
    }
  }
}
