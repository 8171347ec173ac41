/** Own chat messages on their way: pending until confirmed, failed with a code, never shown twice. */
import type { Message, ResultFrame } from './frames'
import type { CallError, ChatMessage } from './types'

interface Item {
  readonly key: string
  readonly text: string
  readonly at: string
  /** the command that carries it; 0 while none does: there is no session that could know it, or it was refused */
  readonly command: number
  /** sequence number of the event that will bring it, once the result named it */
  readonly seq?: number
  readonly failed?: CallError
}

export interface Outbox {
  readonly items: readonly Item[]
  /** sequence numbers of own messages that came before the result that names them */
  readonly early: readonly number[]
  /** sequence number of the newest whole state: own messages up to it are in that state, and no event will bring them */
  readonly known: number
  readonly counter: number
}

/** Messages that another tab of the same person sent have no result here: not all are kept in mind. */
const maxEarly = 64

export const emptyOutbox: Outbox = { items: [], early: [], known: 0, counter: 0 }

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
    const items = outbox.items.map(item => (item.command === frame.id ? { ...item, failed, command: 0 } : item))
    return { ...outbox, items }
  }
  if (seq === undefined || seq <= outbox.known || outbox.early.includes(seq)) {
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

/** A whole state came in the same session: what it contains is confirmed, the rest is still under way. */
export function refreshed(outbox: Outbox, seq: number): Outbox {
  const items = outbox.items.filter(item => item.seq === undefined || item.seq > seq)
  return { ...outbox, items, early: [], known: seq }
}

/** The session is gone: nobody knows what became of the messages that were under way. */
export function orphaned(outbox: Outbox): Outbox {
  const orphan = ({ key, text, at }: Item): Item => ({ key, text, at, command: 0 })
  return { ...outbox, items: outbox.items.map(item => (item.failed ? item : orphan(item))), early: [] }
}

/** A whole state came in a fresh session: of the orphans, those among its new messages have arrived, the others are sent again. */
export function adopted(
  outbox: Outbox,
  seq: number,
  ownNew: readonly Message[],
  send: (text: string) => number,
): Outbox {
  const arrived = ownNew.map(message => message.text)
  const items = outbox.items.flatMap(item => {
    if (item.failed || item.command !== 0) return [item]
    const index = arrived.indexOf(item.text)
    if (index < 0) return [{ ...item, command: send(item.text) }]
    arrived.splice(index, 1)
    return []
  })
  return { ...outbox, items, known: seq }
}

/** The outbox as it is shown after the confirmed messages. */
export function asMessages(outbox: Outbox, self: string, name: string): readonly ChatMessage[] {
  return outbox.items.map(({ key, text, at, failed }) => {
    const base = { id: key, from: self, name, text, at }
    return failed ? { ...base, failed } : { ...base, pending: true }
  })
}
