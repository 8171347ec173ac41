/** From what signalling and media know to what the user interface shows. Unchanged people stay the same objects. */
import type { ConferenceState } from './conferenceState'
import type { PersonMedia } from './media'
import type { Capture, Participant, Phase } from './types'

const silent: PersonMedia = { microphone: false, camera: false, screen: false, speaking: false, quality: 'unknown' }

export interface Own {
  readonly microphone: Capture
  readonly camera: Capture
  readonly screen: Capture
}

export function participantsOf(
  state: ConferenceState,
  media: ReadonlyMap<string, PersonMedia>,
  own: Own,
  before: readonly Participant[],
): readonly Participant[] {
  const known = new Map(before.map(person => [person.id, person]))
  const people = state.people.map(person => {
    const isSelf = person.id === state.self
    const heard = media.get(person.id) ?? silent
    const tracks = isSelf
      ? {
          microphone: own.microphone.kind === 'on',
          camera: own.camera.kind === 'on',
          screen: own.screen.kind === 'on',
        }
      : { microphone: heard.microphone, camera: heard.camera, screen: heard.screen }
    const { speaking, quality } = heard
    const next: Participant = { ...person, isSelf, ...tracks, speaking: speaking && tracks.microphone, quality }
    const same = known.get(person.id)
    return same && alike(same, next) ? same : next
  })
  return people.length === before.length && people.every((person, index) => person === before[index]) ? before : people
}

function alike(a: Participant, b: Participant): boolean {
  return (Object.keys(b) as (keyof Participant)[]).every(key => a[key] === b[key])
}

/** The phase of a call that is in the conference, from its two lines; 0 is a line that stands. */
export function livePhase(signalling: number, media: number): Phase {
  if (signalling === 0 && media === 0) return { kind: 'live' }
  const what = signalling > 0 && media > 0 ? 'both' : signalling > 0 ? 'signalling' : 'media'
  return { kind: 'reconnecting', what, attempt: Math.max(signalling, media) }
}

export function samePhase(a: Phase, b: Phase): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
