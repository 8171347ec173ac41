import { expect, test, vi } from 'vitest'
import { ignores, serverFor, typeOf } from './probes'
import { nothingYet, type Probes, type Results, run, verdictOf } from './run'

const relay = {
  urls: ['turn:k.example.org:3478?transport=udp', 'turns:k.example.org:443?transport=tcp'],
  username: 'u',
  credential: 'p',
  expiresAt: '2026-01-01T10:00:00.000Z',
}

function probes(changes: Partial<Probes> = {}): Probes {
  return {
    host: 'k.example.org',
    hasWebRTC: () => true,
    isSecure: () => true,
    fetchTest: async () => ({ socket: '/s', relay }),
    greets: async () => true,
    ignores: () => false,
    gathers: async () => true,
    ...changes,
  }
}

const go = (changes?: Partial<Probes>) => run(probes(changes), () => undefined, new AbortController().signal)

/** Only these schemes come through. */
const letting =
  (...schemes: string[]) =>
  async (server: RTCIceServer) =>
    schemes.some(scheme => String(server.urls).startsWith(scheme))

test('when everything works, everything is good', async () => {
  const results = await go()
  expect(new Set(Object.values(results))).toEqual(new Set(['good']))
  expect(verdictOf(results)).toBe('good')
})

test('the checks are made one after another', async () => {
  const steps: Results[] = []
  await run(probes(), each => steps.push(each), new AbortController().signal)
  for (const step of steps) {
    expect(Object.values(step).filter(each => each === 'running').length).toBeLessThanOrEqual(1)
  }
})

test('a network that lets only TLS through needs the relay', async () => {
  const results = await go({ gathers: letting('turns:') })
  expect(results).toMatchObject({ udp: 'bad', relayUdp: 'bad', relayTls: 'good' })
  expect(verdictOf(results)).toBe('relayed')
})

test('an address of the relay by UDP shows that UDP comes through, even when the own address is not told', async () => {
  const gathers = vi.fn(letting('turn:'))
  const results = await go({ gathers })
  expect(results).toMatchObject({ udp: 'good', relayUdp: 'good', relayTls: 'bad' })
  expect(gathers.mock.calls.filter(([server]) => String(server.urls).startsWith('turn:'))).toHaveLength(1)
})

test.each([
  ['good', true, ['turn:', 'stun:'], { udp: 'good', relayTls: 'ignored' }],
  ['noMedia', true, [], { udp: 'bad', relayTls: 'ignored' }],
  ['unknown', false, [], { udp: 'skipped', relayUdp: 'absent', relayTls: 'ignored' }],
] as const)(
  'a relay that this browser passes over is not tried, and the verdict is %s',
  async (verdict, udp, through, seen) => {
    const gathers = vi.fn(letting(...through))
    const fetchTest = async () => ({ socket: '/s', relay: { ...relay, urls: udp ? relay.urls : relay.urls.slice(1) } })
    const results = await go({ gathers, fetchTest, ignores: server => String(server.urls).startsWith('turns:') })
    expect(results).toMatchObject(seen)
    expect(verdictOf(results)).toBe(verdict)
    for (const [server] of gathers.mock.calls) expect(String(server.urls)).not.toContain('turns:')
  },
)

test.each([
  ['turns:192.0.2.1:443?transport=tcp', true],
  ['turns:[2001:db8::1]:443?transport=tcp', true],
  ['turns:k.example.org:443?transport=tcp', false],
  ['turns:192.0.2.1.example.org:443?transport=tcp', false],
  ['turn:192.0.2.1:3478?transport=udp', false],
])('Firefox passes over %s: %s, other browsers never', (url, passed) => {
  const agent = vi.spyOn(navigator, 'userAgent', 'get')
  agent.mockReturnValue('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0')
  expect(ignores({ urls: [url] })).toBe(passed)
  expect(ignores({ urls: [url, 'turns:k.example.org:443?transport=tcp'] })).toBe(false)
  agent.mockReturnValue(
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36',
  )
  expect(ignores({ urls: [url] })).toBe(false)
  agent.mockRestore()
})

test('no way for media', async () => {
  expect(verdictOf(await go({ gathers: async () => false }))).toBe('noMedia')
})

test('a server without a relay is not blamed on the network', async () => {
  const results = await go({ fetchTest: async () => ({ socket: '/s', relay: { ...relay, urls: [] } }) })
  expect(results).toMatchObject({ udp: 'skipped', relayUdp: 'absent', relayTls: 'absent' })
  expect(verdictOf(results)).toBe('unknown')
})

test('without an answer of the server the rest is not tried', async () => {
  const results = await go({ fetchTest: () => Promise.reject(new Error('gone')) })
  expect(results).toMatchObject({ server: 'bad', socket: 'skipped', udp: 'skipped', relayTls: 'skipped' })
  expect(verdictOf(results)).toBe('bad')
})

test.each([{ hasWebRTC: () => false }, { isSecure: () => false }, { greets: async () => false }])(
  'what is needed for every meeting is missing: %o',
  async changes => {
    expect(verdictOf(await go(changes))).toBe('bad')
  },
)

test('a browser without WebRTC is not asked for addresses', async () => {
  const gathers = vi.fn(async () => true)
  expect(await go({ hasWebRTC: () => false, gathers })).toMatchObject({ udp: 'skipped', relayTls: 'skipped' })
  expect(gathers).not.toHaveBeenCalled()
})

test('nothing is told after the page is left', async () => {
  const stop = new AbortController()
  const tell = vi.fn()
  stop.abort()
  await run(probes(), tell, stop.signal)
  expect(tell).not.toHaveBeenCalled()
})

test('while checks are to come there is no verdict', () => {
  expect(verdictOf(nothingYet)).toBeUndefined()
})

test('each way has its server, and only the relay is given the credential', () => {
  const host = 'k.example.org'
  const [byUdp, byTls] = relay.urls
  expect(serverFor('udp', relay, host)).toEqual({ urls: ['stun:k.example.org:3478'] })
  expect(serverFor('relayUdp', relay, host)).toEqual({ urls: [byUdp], username: 'u', credential: 'p' })
  expect(serverFor('relayTls', relay, host)).toEqual({ urls: [byTls], username: 'u', credential: 'p' })
  expect(serverFor('relayTls', { ...relay, urls: [] }, host)).toBeUndefined()
})

test('relays that a call from here would not use are not tried, and all that it would use are', () => {
  const other = 'turn:relay.example.net:3478?transport=udp'
  const second = 'turn:K.example.org:3479?transport=udp'
  const urls = [other, ...relay.urls, second, 'turn:k.example.org:3478?transport=tcp']
  const used = serverFor('relayUdp', { ...relay, urls }, 'k.example.org')
  expect(used?.urls).toEqual([relay.urls[0], second])
  for (const way of ['udp', 'relayUdp', 'relayTls'] as const) {
    expect(
      serverFor(way, { ...relay, urls: [other, 'turns:relay.example.net:443?transport=tcp'] }, 'k.example.org'),
    ).toBe(undefined)
  }
})

test('a relay at another host than the page is as if there were none', async () => {
  const gathers = vi.fn(async () => true)
  const results = await go({ host: 'meet.example.org', gathers })
  expect(results).toMatchObject({ udp: 'skipped', relayUdp: 'absent', relayTls: 'absent' })
  expect(gathers).not.toHaveBeenCalled()
})

test.each([
  ['candidate:1 1 udp 2122 192.0.2.1 5000 typ host generation 0', 'host'],
  ['candidate:2 1 udp 41885439 192.0.2.7 6000 typ relay raddr 0.0.0.0 rport 0', 'relay'],
  ['', undefined],
])('the type of %j is %s', (line, type) => {
  expect(typeOf(line)).toBe(type)
})
