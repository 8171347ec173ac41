import { type ReactNode, useCallback, useState } from 'react'
import { ApiError, api, dataOf, type FactorWanted, troubleOf } from '../../api/client'
import { useText } from '../../i18n/react'
import { Dialog } from '../../ui/Dialog'
import { SecondFactor } from '../entry/SecondFactor'

interface Asked {
  readonly wanted: FactorWanted
  readonly resolve: (proved: boolean) => void
}

/**
 * Does what is sensitive: when the server wants to know once more who is asking, a dialog asks and the act is done again.
 * Returns the dialog, to be shown, and `guarded`, which throws what the act throws.
 */
export function useProof(): { readonly dialog: ReactNode; readonly guarded: <T>(act: () => Promise<T>) => Promise<T> } {
  const t = useText()
  const [asked, setAsked] = useState<Asked>()
  const guarded = useCallback(async <T,>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (caught) {
      if (troubleOf(caught).code !== 'session.proof_needed') throw caught
      const wanted = await dataOf(api.GET('/api/v1/session/proof'))
      const proved = await new Promise<boolean>(resolve => setAsked({ wanted, resolve }))
      setAsked(undefined)
      if (!proved) throw new ApiError({ code: 'session.proof_needed' })
      return act()
    }
  }, [])
  const dialog = asked && (
    <Dialog title={t('factor.proofTitle')} onClose={() => asked.resolve(false)}>
      <p>{t('factor.proofIntro')}</p>
      <SecondFactor
        wanted={asked.wanted}
        label={t('factor.confirm')}
        prove={proof =>
          dataOf(api.POST('/api/v1/session/proof', { body: { challenge: asked.wanted.challenge, ...proof } }))
        }
        onProved={async () => asked.resolve(true)}
      />
    </Dialog>
  )
  return { dialog, guarded }
}
