// @vitest-environment node
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { type Bytes, fromBase64, toBase64 } from './bytes'
import { provesGrowth, provesLeaf } from './merkle'
import { parseKey, readCheckpoint } from './note'
import { type Evidence, verify } from './verify'

/** Of real logs, written and judged by the program that keeps them (audit/archive/vectors_test.go). */
interface Vector {
  readonly name: string
  readonly evidence: Evidence
  readonly verdict: string
  readonly reasons: readonly string[]
}

const file = resolve(import.meta.dirname, '../../../../../audit/archive/testdata/vectors.json')
const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[]

afterEach(() => vi.restoreAllMocks())

function vector(name: string): Evidence {
  const found = vectors.find(each => each.name === name)
  if (!found) throw new Error(`there is no vector ${name}`)
  return found.evidence
}

const bytes = (text: string | undefined): Bytes => fromBase64(text ?? '') ?? new Uint8Array()

test.each(vectors)('$name', async ({ evidence, verdict, reasons }) => {
  const report = await verify(evidence)
  const found = report.steps
    .filter(each => each.state !== 'good')
    .map(each => `${each.check} ${each.state} ${each.reason}`)
  expect(found.sort()).toEqual([...reasons].sort())
  expect(report.verdict).toBe(verdict)
})

test('what was verified is what is told', async () => {
  const { body, leaf, signed, note } = await verify(vector('entry 4'))
  expect(body).toMatchObject({
    kind: 'user.created',
    actorUser: 'user1',
    objectId: 'newuser1',
    details: { roles: ['user'] },
  })
  expect(leaf).toMatchObject({ category: 'administration' })
  expect(signed?.checkpoint.size).toBe(13)
  expect(signed?.cosigned).toMatchObject([{ witness: 'witness.example.net/1' }])
  expect(readCheckpoint(note ?? '')?.size).toBe(13)
})

test('a certificate is told as the list tells it', async () => {
  const { body } = await verify(vector('a certificate'))
  expect(body).toMatchObject({ kind: 'log.pruned', objectKind: 'log', outcome: 'success' })
  expect(body?.details['before']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

/** The bytes with one of them changed, for each of them; of a text, so that it stays one. */
function* changed(from: Bytes): Generator<Bytes> {
  for (const i of from.keys()) {
    const copy = from.slice()
    copy[i] = (copy[i] ?? 0) ^ 1
    yield copy
  }
}

test('no byte of the entry, its proof or its checkpoint can be changed', async () => {
  const right = vector('grown from 5')
  const [part] = right.parts
  if (!part) throw new Error('the entry has no part')
  const forged: Evidence[] = []
  for (const leaf of changed(bytes(right.leaf))) forged.push({ ...right, leaf: toBase64(leaf) })
  for (const body of changed(bytes(right.body))) forged.push({ ...right, body: toBase64(body) })
  for (const hash of changed(bytes(right.hash))) forged.push({ ...right, hash: toBase64(hash) })
  for (const sealed of changed(bytes(part.sealed))) {
    forged.push({ ...right, parts: [{ ...part, sealed: toBase64(sealed) }, ...right.parts.slice(1)] })
  }
  for (const key of changed(bytes(part.key))) {
    forged.push({ ...right, parts: [{ ...part, key: toBase64(key) }, ...right.parts.slice(1)] })
  }
  for (const [i, hash] of (right.growth ?? []).entries()) {
    for (const other of changed(bytes(hash))) {
      forged.push({ ...right, growth: (right.growth ?? []).with(i, toBase64(other)) })
    }
  }
  for (const name of ['proof', 'earlier'] as const) {
    const text = right[name] ?? ''
    for (const i of text.split('').keys()) {
      const character = text.charCodeAt(i) < 128 ? String.fromCharCode(text.charCodeAt(i) ^ 1) : '-'
      forged.push({ ...right, [name]: text.slice(0, i) + character + text.slice(i + 1) })
    }
  }
  expect(forged.length).toBeGreaterThan(1500)
  const accepted: string[] = []
  for (const each of forged) {
    if ((await verify(each)).verdict === 'intact') accepted.push(JSON.stringify(each))
  }
  // A signature of a stranger is passed over: a cosignature whose name or id was changed is one, and only the proof needs one.
  expect(accepted.filter(each => !isStranger(JSON.parse(each) as Evidence, right))).toEqual([])
})

/** Whether nothing differs but the line of the witness in what was kept, which tells nothing here. */
function isStranger(forged: Evidence, right: Evidence): boolean {
  const without = ({ proof = '', earlier = '' }: Evidence) => [proof, ...earlier.split('\n').slice(0, -2)].join('\n')
  return without(forged) === without(right)
}

test('a browser without Ed25519 says so, and does not pass for a verification', async () => {
  const real = crypto.subtle.importKey.bind(crypto.subtle)
  vi.spyOn(crypto.subtle, 'importKey').mockImplementation(((
    format: 'raw',
    key: Bytes,
    how: AesKeyAlgorithm,
    ...rest: [boolean, KeyUsage[]]
  ) =>
    how.name === 'Ed25519'
      ? Promise.reject(new DOMException('no', 'NotSupportedError'))
      : real(format, key, how, ...rest)) as never)
  const report = await verify(vector('grown from 8'))
  expect(report.verdict).toBe('unknown')
  expect(report.note).toBeUndefined()
  expect(report.steps.filter(each => each.state === 'unknown').map(each => `${each.check} ${each.reason}`)).toEqual([
    'signature unsupported',
    'witnesses signature',
    'growth unsupported',
  ])
  expect((await verify(vector('another body'))).verdict).toBe('broken')
  const { steps } = await verify(vector('a certificate'))
  expect(steps.find(each => each.check === 'content')).toMatchObject({ state: 'unknown', reason: 'unsupported' })
})

test('keys are those that are written as keys are', async () => {
  const [right = ''] = vector('entry 0').keys
  expect(await parseKey(right)).toMatchObject({ name: 'meet.example.org/audit', witness: false })
  expect((await parseKey(vector('entry 0').witnessKeys[0] ?? ''))?.witness).toBe(true)
  for (const wrong of ['', `x${right}`, right.slice(0, -1), `${right}A`, right.replace('+', '+0'), `${right} `]) {
    expect(await parseKey(wrong), wrong).toBeUndefined()
  }
})

test('proofs do not hold at other places', async () => {
  const hash = new Uint8Array(32)
  for (const [index, size] of [
    [-1, 1],
    [1, 1],
    [0, 0],
    [Number.NaN, 1],
  ] as const) {
    expect(await provesLeaf(hash, index, size, hash, [])).toBe(false)
  }
  expect(await provesLeaf(hash, 0, 1, hash, [])).toBe(true)
  expect(await provesLeaf(hash, 0, 1, hash, [hash])).toBe(false)
  expect(await provesGrowth({ size: 0, root: hash }, { size: 1, root: hash }, [])).toBe(false)
  expect(await provesGrowth({ size: 2, root: hash }, { size: 1, root: hash }, [])).toBe(false)
  expect(await provesGrowth({ size: 1, root: hash }, { size: 1, root: hash }, [hash])).toBe(false)
  expect(await provesGrowth({ size: 3, root: hash }, { size: 4, root: hash }, [])).toBe(false)
})
