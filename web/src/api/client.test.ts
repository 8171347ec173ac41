import { expect, test } from 'vitest'
import { ApiError, dataOf, everyPage, troubleOf } from './client'

const answer = (status: number, error: unknown) => Promise.resolve({ error, response: new Response(null, { status }) })

async function refusal(request: Parameters<typeof dataOf>[0]): Promise<unknown> {
  const caught = await dataOf(request).catch((error: unknown) => error)
  expect(caught).toBeInstanceOf(ApiError)
  return troubleOf(caught)
}

test('an answer gives its data', async () => {
  await expect(dataOf(Promise.resolve({ data: 1, response: new Response() }))).resolves.toBe(1)
})

test('a problem keeps its code, its id and the codes of its fields', async () => {
  const problem = {
    code: 'title.empty',
    id: 'x1',
    detail: 'No title.',
    errors: [{ field: '/title', code: 'title.empty', detail: '' }],
  }
  const trouble = { code: 'title.empty', id: 'x1', detail: 'No title.', fields: { title: 'title.empty' } }
  expect(await refusal(answer(400, problem))).toEqual(trouble)
})

test.each([
  [502, '<html>', 'server.unavailable'],
  [503, undefined, 'server.unavailable'],
  [404, 'nothing', 'internal'],
])('a %d without a problem body has the code that the status says', async (status, error, code) => {
  expect(await refusal(answer(status, error))).toMatchObject({ code })
})

test('a server that cannot be reached is unavailable', async () => {
  expect(await refusal(Promise.reject(new TypeError('Failed to fetch')))).toEqual({ code: 'server.unavailable' })
})

test.each([0, 1, 199, 200, 201, 400])('a list of %d arrives whole', async count => {
  const list = Array.from({ length: count }, (_, index) => index)
  const fetchPage = async (last: number | undefined, limit: number) => {
    const start = last === undefined ? 0 : last + 1
    return { items: list.slice(start, start + limit) }
  }
  expect(await everyPage(fetchPage)).toEqual(list)
})
