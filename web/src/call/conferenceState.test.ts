import { expect, test } from 'vitest'
import { apply, type ConferenceState, fromWelcome, maxChat } from './conferenceState'
import { type ConferenceEvent, readFrame, type WelcomeFrame } from './frames'
import { anna, ben, message, welcome } from './testing/peer'

const start = (state: object = {}): ConferenceState =>
  fromWelcome(readFrame(JSON.stringify(welcome({}, state))) as WelcomeFrame)
const carl = { ...ben, id: 'carl', name: 'Carl' }

const table: [string, ConferenceEvent, Partial<ConferenceState>][] = [
  ['a newcomer is last', { kind: 'participant.joined', participant: carl }, { people: [anna, ben, carl] }],
  [
    'one who joins again keeps the place',
    { kind: 'participant.joined', participant: { ...anna, name: 'Anna B.' } },
    { people: [{ ...anna, name: 'Anna B.' }, ben] },
  ],
  ['another leaves', { kind: 'participant.left', id: 'ben', reason: 'left' }, { people: [anna] }],
  ['a stranger leaves', { kind: 'participant.left', id: 'zoe', reason: 'left' }, {}],
  ['one leaves oneself', { kind: 'participant.left', id: 'anna', reason: 'left' }, { people: [ben], ended: 'left' }],
  ['one is removed', { kind: 'participant.left', id: 'anna', reason: 'removed' }, { people: [ben], ended: 'removed' }],
  [
    'one goes with the end',
    { kind: 'participant.left', id: 'anna', reason: 'ended' },
    { people: [ben], ended: 'host' },
  ],
  ['one is given up as lost', { kind: 'participant.left', id: 'anna', reason: 'lost' }, {}],
  [
    'a line is lost',
    { kind: 'participant.connection', id: 'ben', connected: false },
    { people: [anna, { ...ben, connected: false }] },
  ],
  ['a line is as it was', { kind: 'participant.connection', id: 'ben', connected: true }, {}],
  [
    'a message comes',
    { kind: 'chat.message', message: message('m1', 'ben', 'hi') },
    { chat: [message('m1', 'ben', 'hi')] },
  ],
  ['it ends', { kind: 'conference.ended', reason: 'shutdown' }, { ended: 'shutdown' }],
  ['something unknown happens', { kind: 'unknown' }, {}],
]

test.each(table)('%s', (_, event, change) => {
  const before = start()
  const after = apply(before, event)
  expect(after).toEqual({ ...before, ...change })
  if (Object.keys(change).length === 0) expect(after).toBe(before)
})

test('the reason of the end is kept over the leaving that follows it', () => {
  const ended = apply(start(), { kind: 'conference.ended', reason: 'empty' })
  expect(apply(ended, { kind: 'participant.left', id: 'anna', reason: 'ended' }).ended).toBe('empty')
})

test('a message that is there already is not there twice', () => {
  const before = start({ chat: [message('m1', 'ben', 'hi')] })
  expect(apply(before, { kind: 'chat.message', message: message('m1', 'ben', 'hi') })).toBe(before)
})

test(`at most ${maxChat} messages are kept, the newest`, () => {
  const chat = Array.from({ length: maxChat }, (_, index) => message(`m${index}`, 'ben', 'x'))
  const full = start({ chat })
  expect(full.chat.length).toBe(maxChat)
  const more = apply(full, { kind: 'chat.message', message: message('newest', 'ben', 'x') })
  expect(more.chat.length).toBe(maxChat)
  expect(more.chat.at(-1)?.id).toBe('newest')
  expect(more.chat[0]?.id).toBe('m1')
})
