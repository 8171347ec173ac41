/** Admission: from a link to a ticket (docs/protocol.md, section 1). */
import { codes, EngineError, errorOf, problemOf } from './errors'
import { id, localPath, object, ShapeError, text } from './shape'
import { pauseBefore } from './signalling'
import type { CallError, JoinRequest } from './types'

const admission = object({ conference: id, signalling: localPath, ticket: text, expiresAt: text })
export type Admission = ReturnType<typeof admission>

/** How long the server may take, in milliseconds; the first one to join waits for the conference to start. */
export const joinTimeout = 15_000

/** Asks to be admitted. Throws an EngineError with the server's code; `temporary` when another try may succeed. */
export async function requestAdmission(
  request: JoinRequest,
  rejoin: string | undefined,
  signal: AbortSignal,
): Promise<Admission> {
  let response: Response
  try {
    response = await fetch(`/api/v1/join/${encodeURIComponent(request.link)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({ ...(request.name !== undefined && { name: request.name }), ...(rejoin && { rejoin }) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(joinTimeout)]),
      credentials: 'same-origin',
      redirect: 'error',
      cache: 'no-store',
    })
  } catch {
    throw new EngineError({ code: codes.serverUnavailable }, true)
  }
  if (!response.ok) throw refusalOf(await problemOf(response), request)
  try {
    return admission(await response.json(), '')
  } catch (caught) {
    throw new EngineError({ code: codes.malformed, detail: caught instanceof ShapeError ? caught.message : 'no JSON' })
  }
}

/** Who gives no name is signed in; a server that asks for one does not know that account any more. */
function refusalOf(problem: EngineError, { name }: JoinRequest): EngineError {
  return name === undefined && problem.error.code === 'name.empty'
    ? new EngineError({ ...problem.error, code: codes.signedOut })
    : problem
}

export interface EntranceHandlers {
  /** the participant this browser was before, asked for at each attempt */
  readonly rejoin: (link: string) => string | undefined
  readonly admitted: (admission: Admission) => void
  /** an attempt failed and another follows */
  readonly waiting: (attempt: number) => void
  /** no further attempt can help, or there were enough */
  readonly refused: (error: CallError) => void
  readonly random: () => number
}

/** Gets tickets, again and again where that can help. */
export class Entrance {
  private request: JoinRequest | undefined
  private limit = 0
  private attempt = 0
  private current: AbortController | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly handlers: EntranceHandlers

  constructor(handlers: EntranceHandlers) {
    this.handlers = handlers
  }

  /** Whether somebody waits for admission or for what follows from it. */
  get active(): boolean {
    return this.request !== undefined
  }

  /** Tries at most `limit` times, until cancelled. */
  enter(request: JoinRequest, limit: number): Promise<void> {
    this.cancel()
    this.request = request
    this.limit = limit
    this.attempt = 1
    return this.ask()
  }

  /** The ticket led to no session: the next attempt, if there is one left. */
  ticketFailed(): void {
    this.failed(new EngineError({ code: codes.serverUnavailable }, true))
  }

  cancel(): void {
    clearTimeout(this.timer)
    this.current?.abort()
    this.current = undefined
    this.request = undefined
  }

  private async ask(): Promise<void> {
    const { request } = this
    if (!request) return
    const current = new AbortController()
    this.current = current
    try {
      const admission = await requestAdmission(request, this.handlers.rejoin(request.link), current.signal)
      if (!current.signal.aborted) this.handlers.admitted(admission)
    } catch (caught) {
      if (!current.signal.aborted) this.failed(caught)
    }
  }

  private failed(caught: unknown): void {
    if (!this.request) return
    const temporary = caught instanceof EngineError && caught.temporary
    if (!temporary || this.attempt >= this.limit) {
      this.cancel()
      this.handlers.refused(errorOf(caught))
      return
    }
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.ask(), pauseBefore(this.attempt, this.handlers.random))
    this.handlers.waiting(this.attempt)
    this.attempt++
  }
}
