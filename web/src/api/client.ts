import createClient, { type Client } from 'openapi-fetch'
import type { Trouble } from '../problem/problem'
import { Proof } from './proof'
import type { components, paths } from './schema'

type Schemas = components['schemas']
export type Meeting = Schemas['Meeting']
export type User = Schemas['User']
export type Session = Schemas['Session']
export type Token = Schemas['Token']
export type Machine = Schemas['Machine']
export type Preview = Schemas['Preview']
export type Instance = Schemas['Instance']
export type Provider = Schemas['Provider']
export type LiveConference = Schemas['Conference']
export type Factor = Schemas['Factor']
export type Factors = Schemas['Factors']
export type AddedFactor = Schemas['AddedFactor']
export type NewApp = Schemas['NewApp']
export type FactorWanted = Schemas['FactorWanted']
export type Finding = Schemas['Finding']
export type Approval = Schemas['Approval']
export type AuditEntry = Schemas['AuditEntry']
export type AuditPage = Schemas['AuditPage']
export type AuditCheckpoint = Schemas['Checkpoint']

/** A request that was refused or could not be made. */
export class ApiError extends Error {
  readonly trouble: Trouble

  constructor(trouble: Trouble) {
    super(trouble.code)
    this.trouble = trouble
  }
}

/** What a caught value is for a person. */
export function troubleOf(caught: unknown): Trouble {
  if (caught instanceof ApiError) return caught.trouble
  return { code: 'internal', detail: caught instanceof Error ? caught.message : undefined }
}

/** Gets the proof that the server wants before what is sensitive, for every request. */
export const proof = new Proof()

/** The typed client of the REST interface; the address is this page's own. */
export const api: Client<paths, 'application/json'> = createClient<paths>({
  credentials: 'same-origin',
  fetch: request => proof.send(request, again => fetch(again)),
})

interface Answer<T> {
  readonly data?: T
  readonly error?: unknown
  readonly response: Response
}

/** The data of an answer. Throws an ApiError when the server refused, or could not be reached. */
export async function dataOf<T>(request: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await request
  } catch {
    throw new ApiError({ code: 'server.unavailable' })
  }
  if (!answer.response.ok) throw new ApiError(fromProblem(answer.error, answer.response.status))
  return answer.data as T
}

/** A proxy or a broken line may answer without our problem body; then the status speaks. */
function fromProblem(body: unknown, status: number): Trouble {
  const problem = typeof body === 'object' && body !== null ? (body as Partial<Schemas['Problem']>) : undefined
  const fallback = status >= 500 ? 'server.unavailable' : 'internal'
  const fields = (problem?.errors ?? []).map(each => [each.field.split('/').pop() ?? '', each.code] as const)
  return {
    code: problem?.code ?? fallback,
    id: problem?.id,
    detail: problem?.detail,
    fields: fields.length > 0 ? Object.fromEntries(fields) : undefined,
  }
}

/** As many as the server gives at once. */
const pageSize = 200

/** A whole list, page by page; `fetchPage` is given the last one of the page before. */
export async function everyPage<T>(
  fetchPage: (last: T | undefined, limit: number) => Promise<{ readonly items: readonly T[] }>,
): Promise<readonly T[]> {
  const all: T[] = []
  for (;;) {
    const { items } = await fetchPage(all.at(-1), pageSize)
    all.push(...items)
    if (items.length < pageSize) return all
  }
}

/** All meetings of whoever is signed in, the newest first. */
export function ownMeetings(): Promise<readonly Meeting[]> {
  return everyPage<Meeting>((last, limit) => {
    const query = { limit, ...(last && { before: last.id }) }
    return dataOf(api.GET('/api/v1/meetings', { params: { query } }))
  })
}
