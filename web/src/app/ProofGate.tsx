import { Suspense, useEffect, useState } from 'react'
import { api, dataOf, type FactorWanted, proof, troubleOf } from '../api/client'
import { Texts } from '../i18n/react'
import type { Trouble } from '../problem/problem'
import { lazyPart } from '../ui/part'
import { Boundary } from './Boundary'

const ProofDialog = lazyPart(async () => (await import('../features/account/ProofDialog')).ProofDialog)

interface Asked {
  /** How it can be proved, or why it cannot be here. */
  readonly wanted: FactorWanted | Trouble
  readonly resolve: (proved: boolean) => void
}

/** Asks for a proof wherever the server wants one; what was asked for is then done by itself. */
export function ProofGate() {
  const [asked, setAsked] = useState<Asked>()
  useEffect(
    () =>
      proof.askWith(async () => {
        const wanted = await dataOf(api.GET('/api/v1/session/proof')).catch(troubleOf)
        const proved = await new Promise<boolean>(resolve => setAsked({ wanted, resolve }))
        setAsked(undefined)
        return proved
      }),
    [],
  )
  if (!asked) return null
  return (
    <Boundary fallback={() => <Unshown onUnshown={() => asked.resolve(false)} />}>
      <Suspense>
        <Texts chapter="more">
          <ProofDialog wanted={asked.wanted} onDone={asked.resolve} />
        </Texts>
      </Suspense>
    </Boundary>
  )
}

/** Stands where the dialog could not be fetched. */
function Unshown({ onUnshown }: { readonly onUnshown: () => void }) {
  useEffect(onUnshown, [onUnshown])
  return null
}
