/** What the conference is, as the server told: a pure reducer from the welcome and the events. */
import type { ConferenceEvent, ConferenceInfo, Message, Person, WelcomeFrame } from './frames'
import type { Phase } from './types'

/** The newest messages that are kept. */
export const maxChat = 500

type EndReason = Extract<Phase, { kind: 'ended' }>['reason']

export interface ConferenceState {
  readonly conference: ConferenceInfo
  readonly self: string
  /** in the order of joining */
  readonly people: readonly Person[]
  readonly chat: readonly Message[]
  /** why it is over for this participant, once it is */
  readonly ended?: EndReason
}

export function fromWelcome(frame: WelcomeFrame): ConferenceState {
  const { conference, participants, chat } = frame.state
  return { conference, self: frame.self, people: participants, chat: chat.slice(-maxChat) }
}

/** The state after an event; the same object when the event changes nothing. */
export function apply(state: ConferenceState, event: ConferenceEvent): ConferenceState {
  switch (event.kind) {
    case 'participant.joined': {
      const { participant } = event
      const known = state.people.some(person => person.id === participant.id)
      const people = known
        ? state.people.map(person => (person.id === participant.id ? participant : person))
        : [...state.people, participant]
      return { ...state, people }
    }
    case 'participant.left':
      return left(state, event.id, event.reason)
    case 'participant.connection': {
      const { id, connected } = event
      if (!state.people.some(person => person.id === id && person.connected !== connected)) return state
      return { ...state, people: state.people.map(person => (person.id === id ? { ...person, connected } : person)) }
    }
    case 'chat.message': {
      if (state.chat.some(message => message.id === event.message.id)) return state
      return { ...state, chat: [...state.chat, event.message].slice(-maxChat) }
    }
    case 'conference.ended':
      return { ...state, ended: event.reason }
    case 'unknown':
      return state
  }
}

function left(
  state: ConferenceState,
  id: string,
  reason: Extract<ConferenceEvent, { kind: 'participant.left' }>['reason'],
): ConferenceState {
  const people = state.people.filter(person => person.id !== id)
  if (id === state.self) {
    // A session given up as lost is no end: the signalling asks for a new one.
    if (reason === 'lost') return state
    const ended = { left: 'left', removed: 'removed', signed_out: 'signedOut', ended: 'host' } as const
    return { ...state, people, ended: state.ended ?? ended[reason] }
  }
  return people.length === state.people.length ? state : { ...state, people }
}
