import { describe, expect, test } from 'vitest'
import { ownRelays } from './relays'

const listed = (...urls: string[]) => [{ urls, username: 'anna', credential: 'secret' }]

describe('relays', () => {
  test('an empty list stays an empty list', () => {
    expect(ownRelays([], 'meet.example.org')).toEqual([])
    expect(ownRelays(listed(), 'meet.example.org')).toEqual([])
  })

  test('those of the own host are used, by name and by address', () => {
    const own = ['turn:meet.example.org:3478?transport=udp', 'turns:MEET.example.org:443?transport=tcp']
    expect(ownRelays(listed(...own), 'meet.example.org')).toEqual([
      { urls: own, username: 'anna', credential: 'secret' },
    ])
    expect(ownRelays(listed('turns:[2001:db8::1]:443?transport=tcp'), '[2001:db8::1]')).toHaveLength(1)
  })

  test.each([
    'turn:evil.example:3478?transport=udp',
    'turn:evil.example:3478?transport=udp#meet.example.org',
    'turn:meet.example.org.evil.example:3478?transport=udp',
    'turn:meet.example.org@evil.example:3478?transport=udp',
    'turn:meet.example.org:3478:evil.example?transport=udp',
    'stun:meet.example.org:3478',
    'stun:stun.evil.example:19302',
    'https://meet.example.org/',
    '',
  ])('never another host or another scheme: %s', url => {
    expect(ownRelays(listed(url), 'meet.example.org')).toEqual([])
  })
})
