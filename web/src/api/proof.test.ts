import { expect, test } from 'vitest'
import { Proof } from './proof'

const refusal = () => Response.json({ code: 'session.proof_required' }, { status: 403 })
const post = (text: string) => new Request('http://localhost/x', { method: 'POST', body: text })

/** A server that wants a proof until it was given. */
function guarded() {
  const server = { proved: false, seen: [] as string[] }
  const send = async (request: Request) => {
    server.seen.push(await request.text())
    return server.proved ? Response.json({}) : refusal()
  }
  return { server, send }
}

test('a request is sent again with its body once the proof was given', async () => {
  const { server, send } = guarded()
  const proof = new Proof()
  proof.askWith(async () => {
    server.proved = true
    return true
  })
  expect((await proof.send(post('roles'), send)).status).toBe(200)
  expect(server.seen).toEqual(['roles', 'roles'])
})

test('without a proof the answer is the refusal, and is still to be read', async () => {
  const { server, send } = guarded()
  const proof = new Proof()
  const nobodyAsks = await proof.send(post('a'), send)
  expect(await nobodyAsks.json()).toEqual({ code: 'session.proof_required' })
  const stop = proof.askWith(async () => false)
  const closed = await proof.send(post('b'), send)
  expect(await closed.json()).toEqual({ code: 'session.proof_required' })
  stop()
  await proof.send(post('c'), send)
  expect(server.seen).toEqual(['a', 'b', 'c'])
})

test('a second refusal is not asked about again', async () => {
  const proof = new Proof()
  let asked = 0
  proof.askWith(async () => {
    asked++
    return true
  })
  expect((await proof.send(post('a'), async () => refusal())).status).toBe(403)
  expect(asked).toBe(1)
})

test('requests that wait at the same time wait for one proof', async () => {
  const { server, send } = guarded()
  const proof = new Proof()
  let give = (_proved: boolean) => {}
  const given = new Promise<boolean>(resolve => {
    give = resolve
  })
  let asked = 0
  proof.askWith(() => {
    asked++
    return given
  })
  const both = Promise.all([proof.send(post('a'), send), proof.send(post('b'), send)])
  await expect.poll(() => asked).toBe(1)
  server.proved = true
  give(true)
  expect((await both).map(answer => answer.status)).toEqual([200, 200])
  expect(asked).toBe(1)
})

test.each([
  [403, '{"code":"access.denied"}'],
  [403, 'null'],
  [403, '<html>'],
  [401, '{"code":"session.proof_required"}'],
])('a %d with %s is no reason to ask', async (status, body) => {
  const proof = new Proof()
  proof.askWith(() => Promise.reject(new Error('asked')))
  const answer = await proof.send(post('a'), async () => new Response(body, { status }))
  expect(await answer.text()).toBe(body)
})
