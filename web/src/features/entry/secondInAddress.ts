import type { FactorWanted } from '../../api/client'

const said = /^#second=([\w-]{1,16384})$/
const kinds: readonly string[] = ['totp', 'passkey', 'recovery_code'] satisfies readonly FactorWanted['kinds'][number][]

/** The second factor that the server asks for in the address when it leads back here from an identity provider. */
export function secondInAddress(hash: string): FactorWanted | undefined {
  const [, text] = said.exec(hash) ?? []
  if (text === undefined) return undefined
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0))
    const wanted: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return isWanted(wanted) ? wanted : undefined
  } catch {
    return undefined
  }
}

function isWanted(value: unknown): value is FactorWanted {
  if (typeof value !== 'object' || value === null) return false
  const { challenge, kinds: asked, passkey } = value as Record<string, unknown>
  return (
    typeof challenge === 'string' &&
    Array.isArray(asked) &&
    asked.every(kind => kinds.includes(kind)) &&
    (passkey === undefined || typeof passkey === 'string')
  )
}
