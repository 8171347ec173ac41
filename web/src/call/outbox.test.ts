import { expect, test } from 'vitest'
import { add, adopted, answered, asMessages, confirmed, emptyOutbox, type Outbox, orphaned, refreshed } from './outbox'
import { message } from './testing/peer'

const at = '2026-11-21T10:00:00.000Z'
const texts = (outbox: Outbox) => outbox.items.map(item => item.text)
const two = () => add(add(emptyOutbox, 'one', at, 1), 'two', at, 2)
const result = (id: number, seq: number) => ({ type: 'result', id, seq }) as const
const refused = (id: number) =>
  ({ type: 'result', id, error: { code: 'chat.too_long', message: 'Too long.' } }) as const

test('a message is pending until it is confirmed', () => {
  const outbox = two()
  expect(asMessages(outbox, 'anna', 'Anna')).toEqual([
    { id: 'local-1', from: 'anna', name: 'Anna', text: 'one', at, pending: true },
    { id: 'local-2', from: 'anna', name: 'Anna', text: 'two', at, pending: true },
  ])
})

test('the result comes first: the message stays until its event', () => {
  const named = answered(two(), result(1, 11))
  expect(texts(named)).toEqual(['one', 'two'])
  expect(texts(confirmed(named, 11, message('m', 'anna', 'one, tidied')))).toEqual(['two'])
})

test('the event comes first: the message goes, and the result changes nothing', () => {
  const early = confirmed(two(), 11, message('m', 'anna', 'one'))
  expect(texts(early)).toEqual(['two'])
  const both = answered(early, result(1, 11))
  expect(texts(both)).toEqual(['two'])
  expect(both.early).toEqual([])
})

test('the event comes first with a tidied text: the result names the one to go', () => {
  const early = confirmed(two(), 11, message('m', 'anna', 'ONE'))
  expect(texts(early)).toEqual(['one', 'two'])
  expect(texts(answered(early, result(1, 11)))).toEqual(['two'])
})

test('equal texts are confirmed one by one', () => {
  const outbox = add(add(emptyOutbox, 'ok', at, 1), 'ok', at, 2)
  const once = confirmed(outbox, 11, message('m1', 'anna', 'ok'))
  expect(once.items.map(item => item.command)).toEqual([2])
  expect(confirmed(answered(once, result(1, 11)), 12, message('m2', 'anna', 'ok')).items).toEqual([])
})

test('a refusal is shown with its code', () => {
  const failed = answered(two(), refused(1))
  expect(asMessages(failed, 'anna', 'Anna')[0]).toMatchObject({
    failed: { code: 'chat.too_long', detail: 'Too long.' },
  })
})

test('a whole state in the same session confirms what it contains', () => {
  const outbox = answered(answered(add(two(), 'three', at, 3), result(1, 11)), result(2, 15))
  expect(texts(refreshed(outbox, 12))).toEqual(['two', 'three'])
})

test('a result that was lost comes after the whole state that has its message: nothing is left pending', () => {
  const state = refreshed(two(), 12)
  expect(texts(answered(state, result(1, 12)))).toEqual(['two'])
  expect(texts(answered(state, result(1, 13)))).toEqual(['one', 'two'])
})

test('in a fresh session what did not arrive is sent again in its order, then what was said meanwhile', () => {
  const before = answered(add(two(), 'failed', at, 3), refused(3))
  const outbox = add(orphaned(before), 'waiting', at, 0)
  const sent: string[] = []
  const fresh = adopted(outbox, 20, [message('m', 'anna', 'one')], text => 10 + sent.push(text))
  expect(sent).toEqual(['two', 'waiting'])
  expect(fresh.items.map(item => [item.text, item.command])).toEqual([
    ['two', 11],
    ['failed', 0],
    ['waiting', 12],
  ])
})

test('what was refused in one session is not taken for a command of the next, which counts from 1 again', () => {
  const before = answered(two(), refused(1))
  const fresh = adopted(orphaned(before), 20, [], () => 1)
  expect(fresh.items.map(item => [item.text, item.failed !== undefined])).toEqual([
    ['one', true],
    ['two', false],
  ])
  const named = answered(fresh, result(1, 21))
  expect(texts(confirmed(named, 21, message('m', 'anna', 'two')))).toEqual(['one'])
  const again = answered(fresh, { type: 'result', id: 1, error: { code: 'rate.limited', message: 'Slowly.' } })
  expect(again.items.map(item => item.failed?.code)).toEqual(['chat.too_long', 'rate.limited'])
})
