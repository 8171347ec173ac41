import { ApiError } from './client'

/** Whether this browser can make and show passkeys at this address. */
export function passkeysWork(): boolean {
  return (
    typeof PublicKeyCredential === 'function' && typeof PublicKeyCredential.parseRequestOptionsFromJSON === 'function'
  )
}

/** Has the person make a passkey; `options` is what the server gave, the answer is what it wants. Throws an ApiError. */
export function makePasskey(options: string): Promise<string> {
  return answerOf(() =>
    navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options)) }),
  )
}

/** Has the person show a passkey. Throws an ApiError. */
export function showPasskey(options: string): Promise<string> {
  return answerOf(() =>
    navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options)) }),
  )
}

async function answerOf(ask: () => Promise<Credential | null>): Promise<string> {
  let made: Credential | null
  try {
    made = await ask()
  } catch (caught) {
    throw new ApiError({ code: codeOf(caught) })
  }
  if (!(made instanceof PublicKeyCredential)) throw new ApiError({ code: 'passkey.cancelled' })
  return JSON.stringify(made.toJSON())
}

/** Browsers tell little on purpose: mostly that it was not allowed, which includes that the person did not want to. */
function codeOf(caught: unknown): string {
  const name = caught instanceof DOMException ? caught.name : ''
  if (name === 'InvalidStateError') return 'passkey.taken'
  if (name === 'SecurityError') return 'passkey.no_name'
  return 'passkey.cancelled'
}
