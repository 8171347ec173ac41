/** The people and the chat of the conference this participant is in, with what there is to announce. */
import { apply, type ConferenceState, fromWelcome, maxChat } from './conferenceState'
import type { Command, ConferenceEvent, ResultFrame, WelcomeFrame } from './frames'
import type { PersonMedia } from './media'
import { add, adopted, answered, asMessages, confirmed, emptyOutbox, orphaned, refreshed, remove } from './outbox'
import { type Own, participantsOf } from './snapshot'
import type { CallSnapshot, ChatMessage, Notice } from './types'

export type ConversationView = Pick<CallSnapshot, 'participants' | 'chat'> &
  Partial<Pick<CallSnapshot, 'conference' | 'self'>>

export interface ConversationOptions {
  readonly send: (command: Command) => number
  readonly own: () => Own
  readonly changed: (view: ConversationView) => void
  readonly notice: (notice: Notice) => void
}

export class Conversation {
  private state: ConferenceState | undefined
  private outbox = emptyOutbox
  private media: ReadonlyMap<string, PersonMedia> = new Map()
  private view: ConversationView = { participants: [], chat: [] }
  /** between two sessions: what is said waits, behind what has to be said again */
  private between = false
  private readonly options: ConversationOptions

  constructor(options: ConversationOptions) {
    this.options = options
  }

  get current(): ConferenceState | undefined {
    return this.state
  }

  /** Takes over the server's whole state; what was not confirmed in an earlier session is sent again. */
  welcome(frame: WelcomeFrame, fresh: boolean): void {
    this.between = false
    const before = new Set(this.state?.chat.map(message => message.id))
    this.state = fromWelcome(frame)
    if (fresh) {
      const ownNew = this.state.chat.filter(message => message.from === frame.self && !before.has(message.id))
      this.outbox = adopted(this.outbox, frame.seq, ownNew, text => this.options.send({ kind: 'chat.send', text }))
    } else this.outbox = refreshed(this.outbox, frame.seq)
    this.refresh()
  }

  /** The session is gone, and with it what was under way. */
  sessionLost(): void {
    this.between = true
    this.outbox = orphaned(this.outbox)
  }

  event(seq: number, event: ConferenceEvent): void {
    const before = this.state
    if (!before) return
    this.state = apply(before, event)
    if (event.kind === 'chat.message' && event.message.from === before.self) {
      this.outbox = confirmed(this.outbox, seq, event.message)
    }
    this.refresh()
    this.announce(before, event)
  }

  result(frame: ResultFrame): void {
    this.outbox = answered(this.outbox, frame)
    this.refresh()
  }

  say(text: string): void {
    const command = this.between ? 0 : this.options.send({ kind: 'chat.send', text })
    this.outbox = add(this.outbox, text, new Date().toISOString(), command)
    this.refresh()
  }

  sayAgain(key: string): void {
    const item = this.outbox.items.find(entry => entry.key === key && entry.failed)
    if (!item) return
    this.outbox = remove(this.outbox, key)
    this.say(item.text)
  }

  mediaChanged(media: ReadonlyMap<string, PersonMedia>): void {
    const before = this.view.participants
    this.media = media
    this.refresh()
    for (const person of this.view.participants) {
      const was = before.find(other => other.id === person.id)
      if (!person.isSelf && (was?.screen ?? false) !== person.screen) {
        this.options.notice({ kind: 'screen', name: person.name, on: person.screen })
      }
    }
  }

  /** Computes the view anew; tells of it only if something differs. */
  refresh(): void {
    const { state } = this
    if (!state) return
    const { id, title, startedAt } = state.conference
    const name = state.people.find(person => person.id === state.self)?.name ?? ''
    const chat = [...state.chat, ...asMessages(this.outbox, state.self, name)].slice(-maxChat)
    const same = this.view.conference
    this.view = {
      conference: same?.id === id && same.title === title ? same : { id, title, startedAt },
      self: state.self,
      participants: participantsOf(state, this.media, this.options.own(), this.view.participants),
      chat: sameMessages(this.view.chat, chat) ? this.view.chat : chat,
    }
    this.options.changed(this.view)
  }

  /** Nobody is there any more. */
  clear(): void {
    this.state = undefined
    this.between = false
    this.outbox = emptyOutbox
    this.media = new Map()
    this.view = { participants: [], chat: [] }
  }

  private announce(before: ConferenceState, event: ConferenceEvent): void {
    const known = (id: string) => before.people.find(person => person.id === id)
    const { notice } = this.options
    if (event.kind === 'participant.joined' && !known(event.participant.id)) {
      if (event.participant.id !== before.self) notice({ kind: 'joined', name: event.participant.name })
    } else if (event.kind === 'participant.left') {
      const person = known(event.id)
      if (person && person.id !== before.self) notice({ kind: 'left', name: person.name })
    } else if (event.kind === 'participant.connection') {
      const person = known(event.id)
      if (person && person.id !== before.self && person.connected !== event.connected) {
        notice({ kind: 'connection', name: person.name, connected: event.connected })
      }
    } else if (event.kind === 'chat.message' && event.message.from !== before.self) {
      notice({ kind: 'message', message: event.message })
    }
  }
}

function sameMessages(a: readonly ChatMessage[], b: readonly ChatMessage[]): boolean {
  const same = (x: ChatMessage | undefined, y: ChatMessage) =>
    x === y || (x?.id === y.id && x.pending === y.pending && x.failed === y.failed)
  return a.length === b.length && b.every((message, index) => same(a[index], message))
}
