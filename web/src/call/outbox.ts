/** Own chat messages on their way: pending until confirmed, failed with a code, never shown twice. */
import type { Message, ResultFrame } from './frames'
import type { CallError, ChatMessage } from './types'

interface Item {
  readonly key: string
  readonly text: string
  readonly at: string
  /** the command that carries it */
  readonly command: number
  /** sequence number of the event that will bring it, once the result named it */
  readonly seq?: number
  readonly failed?: CallError
}

export interface Outbox {
  readonly items: readonly Item[]
  /** sequence numbers of own messages that came before the result that names them */
  readonly early: readonly number[]
  readonly counter: number
}

/** Messages that another tab of the same person sent have no result here: not all are kept in mind. */
const maxEarly = 64

export const emptyOutbox: Outbox = { items: [], early: [], counter: 0 }

export function add(outbox: Outbox, text: string, at: string, command: number): Outbox {
  const counter = outbox.counter + 1
  return { ...outbox, counter, items: [...outbox.items, { key: `local-${counter}`, text, at, command }] }
}

export function remove(outbox: Outbox, key: string): Outbox {
  return { ...outbox, items: outbox.items.filter(item => item.key !== key) }
}

/** The server answered a command. */
export function answered(outbox: Outbox, frame: ResultFrame): Outbox {
  const { error, seq } = frame
  if (error) {
    const failed = { code: error.code, detail: error.message, ...(error.id !== undefined && { id: error.id }) }
    return { ...outbox, items: outbox.items.map(item => (item.command === frame.id ? { ...item, failed } : item)) }
  }
  if (seq === undefined || outbox.early.includes(seq)) {
    const items = outbox.items.filter(item => item.command !== frame.id)
    return { ...outbox, items, early: outbox.early.filter(entry => entry !== seq) }
  }
  return { ...outbox, items: outbox.items.map(item => (item.command === frame.id ? { ...item, seq } : item)) }
}

/** An own message came as an event: the pending one it confirms goes. */
export function confirmed(outbox: Outbox, seq: number, message: Message): Outbox {
  const named = outbox.items.find(item => item.seq === seq)
  if (named) return remove(outbox, named.key)
  const alike = outbox.items.find(item => item.seq === undefined && !item.failed && item.text === message.text)
  const early = [...outbox.early, seq].slice(-maxEarly)
  return alike ? { ...remove(outbox, alike.key), early } : { ...outbox, early }
}

/**
 * A whole state came. In the same session what it contains is confirmed and the rest is still under way;
 * in a fresh one earlier commands are unknown, so what is not among the new messages has to be sent again.
 */
export function refreshed(outbox: Outbox, seq: number, fresh: boolean, ownNew: readonly Message[]): Outbox {
  const arrived = [...ownNew]
  const items = outbox.items.filter(item => {
    if (item.failed) return true
    if (!fresh && item.seq !== undefined) return item.seq > seq
    const index = arrived.findIndex(message => message.text === item.text)
    if (index >= 0) arrived.splice(index, 1)
    return index < 0
  })
  return { ...outbox, items, early: [] }
}

/** The items without an answer, to be sent again in a fresh session. */
export function unsent(outbox: Outbox): readonly Item[] {
  return outbox.items.filter(item => !item.failed)
}

export function resent(outbox: Outbox, key: string, command: number): Outbox {
  const again = ({ key, text, at }: Item): Item => ({ key, text, at, command })
  return { ...outbox, items: outbox.items.map(item => (item.key === key ? again(item) : item)) }
}

/** The outbox as it is shown after the confirmed messages. */
export function asMessages(outbox: Outbox, self: string, name: string): readonly ChatMessage[] {
  return outbox.items.map(({ key, text, at, failed }) => {
    const base = { id: key, from: self, name, text, at }
    return failed ? { ...base, failed } : { ...base, pending: true }
  })
}
