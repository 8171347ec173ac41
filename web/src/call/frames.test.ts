import { describe, expect, test } from 'vitest'
import { readFrame } from './frames'
import { ShapeError } from './shape'
import { anna, message, resumed, welcome } from './testing/peer'

const valid: Record<string, object> = {
  welcome: welcome({}, { chat: [message('m1', 'ben', 'hello')] }),
  resumed: resumed(),
  joined: { type: 'event', seq: 1, event: { kind: 'participant.joined', participant: anna } },
  left: { type: 'event', seq: 1, event: { kind: 'participant.left', id: 'anna', reason: 'lost' } },
  connection: { type: 'event', seq: 1, event: { kind: 'participant.connection', id: 'anna', connected: false } },
  chat: { type: 'event', seq: 1, event: { kind: 'chat.message', message: message('m', 'ben', '<b>') } },
  ended: { type: 'event', seq: 1, event: { kind: 'conference.ended', reason: 'shutdown' } },
  result: { type: 'result', id: 1, seq: 4 },
  refusal: { type: 'result', id: 1, error: { code: 'chat.empty', message: 'Say something.', id: 'e1' } },
  pong: { type: 'pong', nonce: '1' },
  goodbye: { type: 'goodbye', code: 'conference.ended', message: 'It is over.' },
}

test.each(Object.entries(valid))('reads %s', (_, frame) => {
  expect(readFrame(JSON.stringify(frame))).toEqual(frame)
})

test('an unknown kind of event is kept apart, whatever it holds', () => {
  const frame = { type: 'event', seq: 7, event: { kind: 'hand.raised', id: 'ben', more: [1] } }
  expect(readFrame(JSON.stringify(frame))).toEqual({ type: 'event', seq: 7, event: { kind: 'unknown' } })
})

describe('refuses', () => {
  test.each(Object.entries(valid))('an unknown field or a missing one in %s', (_, frame) => {
    expect(() => readFrame(JSON.stringify({ ...frame, more: 1 }))).toThrow(ShapeError)
    const optional = ['seq', 'error']
    for (const key of Object.keys(frame)) {
      if ('id' in frame && optional.includes(key)) continue
      const { [key as keyof typeof frame]: _gone, ...rest } = frame
      expect(() => readFrame(JSON.stringify(rest))).toThrow(ShapeError)
    }
  })

  test.each([
    ['no JSON', '{'],
    ['bytes', new ArrayBuffer(3)],
    ['a list', '[]'],
    ['null', 'null'],
    ['no type', '{}'],
    ['a type from the prototype', '{"type":"toString"}'],
    ['an unknown type', '{"type":"surprise"}'],
    ['a wrong case', '{"Type":"pong","nonce":"1"}'],
    ['a negative number', '{"type":"event","seq":-1,"event":{"kind":"x"}}'],
    ['a number too large to be exact', '{"type":"event","seq":9007199254740993,"event":{"kind":"x"}}'],
    ['an event without a kind', '{"type":"event","seq":1,"event":{}}'],
    ['an id with a slash', JSON.stringify(welcome({ self: 'a/b' }))],
    ['an id that is too long', JSON.stringify(welcome({ self: 'a'.repeat(65) }))],
    [
      'an unknown codec',
      JSON.stringify(welcome({}, { conference: { id: 'c', title: '', startedAt: '', codec: 'h264' } })),
    ],
  ])('%s', (_, data) => {
    expect(() => readFrame(data)).toThrow(ShapeError)
  })

  test.each([
    'https://evil.example/media',
    '//evil.example/media',
    '/\\evil.example',
    '/a/../b',
    'media',
    '',
    '/a?b=c',
    '/a b',
  ])('a media path that could lead elsewhere: %s', path => {
    expect(() => readFrame(JSON.stringify(welcome({ media: { path, token: 't' } })))).toThrow(ShapeError)
  })
})
