import { Suspense, useEffect, useState } from 'react'
import { api, dataOf, type FactorWanted, proof, troubleOf } from '../api/client'
import { Texts } from '../i18n/react'
import { lazyPart } from '../ui/part'
import { Boundary } from './Boundary'

const ProofDialog = lazyPart(async () => (await import('../features/account/ProofDialog')).ProofDialog)

const ProofElsewhere = lazyPart(async () => (await import('../features/account/ProofDialog')).ProofElsewhere)

interface Asked {
  /** Nothing can be shown here: the identity provider is asked. */
  readonly wanted: FactorWanted | undefined
  readonly resolve: (proved: boolean) => void
}

/** Asks for a proof wherever the server wants one; what was asked for is then done by itself. */
export function ProofGate() {
  const [asked, setAsked] = useState<Asked>()
  useEffect(
    () =>
      proof.askWith(async () => {
        try {
          const wanted = await wantedHere()
          return await new Promise<boolean>(resolve => setAsked({ wanted, resolve }))
        } catch {
          return false // the refusal says what is needed
        } finally {
          setAsked(undefined)
        }
      }),
    [],
  )
  if (!asked) return null
  return (
    <Boundary fallback={() => <Unshown onUnshown={() => asked.resolve(false)} />}>
      <Suspense>
        <Texts chapter="more">
          {asked.wanted ? (
            <ProofDialog wanted={asked.wanted} onDone={asked.resolve} />
          ) : (
            <ProofElsewhere onDone={asked.resolve} />
          )}
        </Texts>
      </Suspense>
    </Boundary>
  )
}

async function wantedHere(): Promise<FactorWanted | undefined> {
  try {
    return await dataOf(api.GET('/api/v1/session/proof'))
  } catch (caught) {
    if (troubleOf(caught).code === 'session.proof_elsewhere') return undefined
    throw caught
  }
}

/** Stands where the dialog could not be fetched. */
function Unshown({ onUnshown }: { readonly onUnshown: () => void }) {
  useEffect(onUnshown, [onUnshown])
  return null
}
