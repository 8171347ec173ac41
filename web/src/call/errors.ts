import type { CallError, DeviceKind } from './types'

/** Codes that the engine itself gives; all others come from the server (docs/protocol.md). */
export const codes = {
  permissionDenied: 'device.permission_denied',
  notFound: 'device.not_found',
  inUse: 'device.in_use',
  unsupported: 'device.unsupported',
  serverUnavailable: 'server.unavailable',
  malformed: 'protocol.malformed',
  mediaFailed: 'media.failed',
  partMissing: 'part.missing',
  endUnanswered: 'end.unanswered',
  signedOut: 'session.invalid',
  internal: 'internal',
} as const

/** A CallError on its way through code that throws. */
export class EngineError extends Error {
  readonly error: CallError
  /** trying again may help */
  readonly temporary: boolean

  constructor(error: CallError, temporary = false) {
    super(error.detail ? `${error.code}: ${error.detail}` : error.code)
    this.error = error
    this.temporary = temporary
  }
}

/** What a caught value is for a person; unknown things are internal, their text kept for the curious. */
export function errorOf(caught: unknown): CallError {
  if (caught instanceof EngineError) return caught.error
  return {
    code: codes.internal,
    detail: caught instanceof Error ? `${caught.name}: ${caught.message}` : String(caught),
  }
}

const deviceCodes: Readonly<Record<string, string>> = {
  NotAllowedError: codes.permissionDenied,
  SecurityError: codes.permissionDenied,
  PermissionDeniedError: codes.permissionDenied,
  NotFoundError: codes.notFound,
  DevicesNotFoundError: codes.notFound,
  OverconstrainedError: codes.notFound,
  NotReadableError: codes.inUse,
  TrackStartError: codes.inUse,
  AbortError: codes.inUse,
  TypeError: codes.unsupported,
  NotSupportedError: codes.unsupported,
  InvalidStateError: codes.unsupported,
}

/** What went wrong with a device; the detail names the kind, so that a text can say "camera". */
export function deviceError(caught: unknown, kind: DeviceKind | 'screen'): EngineError {
  if (caught instanceof EngineError) return caught
  const name = typeof caught === 'object' && caught !== null && 'name' in caught ? String(caught.name) : ''
  return new EngineError({ code: deviceCodes[name] ?? codes.inUse, detail: kind })
}

/** The error of a refused request: problem+json with code and id, or what the status says. */
export async function problemOf(response: Response): Promise<EngineError> {
  const temporary = response.status >= 500 || response.status === 429
  let body: unknown
  try {
    body = await response.json()
  } catch {
    body = undefined
  }
  const text = (key: string): string | undefined => {
    const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[key] : undefined
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const code = text('code') ?? (response.status >= 500 ? codes.serverUnavailable : codes.internal)
  const id = text('id')
  const detail = text('detail')
  return new EngineError({ code, ...(id && { id }), ...(detail && { detail }) }, temporary)
}
