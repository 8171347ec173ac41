import { describe, expect, test, vi } from 'vitest'
import { joinAttempts, rememberedJoin } from './call'
import { times } from './signalling'
import { settled } from './testing/browser'
import { problem, takeDesk } from './testing/desk'
import { welcome } from './testing/peer'

const desk = takeDesk()

describe('joining', () => {
  test('goes from the link to a live conference', async () => {
    const socket = await desk.enter()
    expect(desk.requests).toEqual([{ url: '/api/v1/join/council', body: { name: 'Anna' } }])
    expect(socket.take('hello')).toEqual([{ type: 'hello', ticket: 'ticket-1' }])
    expect(desk.phase()).toEqual({ kind: 'live' })
    const { conference, self, participants } = desk.call.getSnapshot()
    expect(conference?.title).toBe('Council')
    expect(self).toBe('anna')
    expect(participants.map(person => [person.id, person.isSelf])).toEqual([
      ['anna', true],
      ['ben', false],
    ])
    expect(desk.room.connects).toEqual([{ path: '/conference/conf1/media', token: 'media-1', codec: 'vp8', ice: [] }])
  })

  test('publishes the captures of the preview', async () => {
    await desk.call.setCamera(true)
    await desk.call.setMicrophone(true)
    await desk.enter()
    expect([...desk.room.sent].filter(([, sent]) => sent).map(([source]) => source)).toEqual(['camera', 'microphone'])
    expect(desk.call.getSnapshot().participants[0]).toMatchObject({ microphone: true, camera: true })
  })

  test('a refusal is final and carries its code', async () => {
    desk.answers.push(problem(403, 'guests.not_allowed'))
    await desk.call.join({ link: 'council', name: 'Anna' })
    expect(desk.phase()).toEqual({
      kind: 'failed',
      error: { code: 'guests.not_allowed', id: 'e1', detail: 'Said so.' },
    })
    expect(desk.requests.length).toBe(1)
  })

  test('a server that is away is tried a few times', async () => {
    desk.answers.push(new TypeError('offline'), new Response('bad gateway', { status: 502 }), new TypeError('offline'))
    await desk.call.join({ link: 'council', name: 'Anna' })
    expect(desk.phase()).toEqual({ kind: 'joining' })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(desk.requests.length).toBe(joinAttempts)
    expect(desk.phase()).toEqual({ kind: 'failed', error: { code: 'server.unavailable' } })
  })

  test('after a failure one can join again', async () => {
    desk.answers.push(problem(404, 'meeting.unknown'))
    await desk.call.join({ link: 'council', name: 'Anna' })
    await desk.enter()
    expect(desk.phase()).toEqual({ kind: 'live' })
  })

  test('a ticket that does not work is replaced', async () => {
    await desk.call.join({ link: 'council', name: 'Anna' })
    desk.peer.last.accept().say({ type: 'goodbye', code: 'ticket.expired', message: '' }).drop(4401)
    await vi.advanceTimersByTimeAsync(times.retryFirst)
    expect(desk.peer.last.accept().take('hello')).toEqual([{ type: 'hello', ticket: 'ticket-2' }])
  })

  test('an answer that is not what was agreed is refused', async () => {
    desk.answers.push(Response.json({ ...desk.admission(), signalling: 'wss://evil.example/' }))
    await desk.call.join({ link: 'council', name: 'Anna' })
    expect(desk.phase()).toMatchObject({ kind: 'failed', error: { code: 'protocol.malformed' } })
    expect(desk.peer.sockets).toEqual([])
  })

  test('two clicks are one join', async () => {
    await Promise.all([desk.call.join({ link: 'council' }), desk.call.join({ link: 'council' })])
    expect(desk.requests.length).toBe(1)
  })
})

describe('after a reload', () => {
  test('the tab comes back as who it was, with the devices it had', async () => {
    await desk.enter()
    await desk.call.setMicrophone(true)
    await desk.call.setCamera(true)
    desk.call.dispose()
    expect(rememberedJoin('council')).toEqual({
      participant: 'anna',
      name: 'Anna',
      joined: true,
      microphone: true,
      camera: true,
    })
    desk.newCall()
    await desk.call.join({ link: 'council' })
    expect(desk.requests.at(-1)?.body).toEqual({ name: 'Anna', rejoin: 'anna' })
    desk.peer.last.accept().say(welcome())
    await settled()
    expect(desk.call.getSnapshot().microphone.kind).toBe('on')
    expect(desk.call.getSnapshot().camera.kind).toBe('on')
  })

  test('nothing secret is stored', async () => {
    await desk.enter()
    const stored = JSON.stringify([{ ...sessionStorage }, { ...localStorage }])
    for (const secret of ['ticket', 'resume-1', 'media-1']) expect(stored).not.toContain(secret)
  })

  test('one who left is asked again', async () => {
    await desk.enter()
    await desk.call.leave()
    expect(rememberedJoin('council')?.joined).toBe(false)
  })
})
