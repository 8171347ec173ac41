import { api, dataOf, type FactorWanted } from '../../api/client'
import { useText } from '../../i18n/react'
import type { Trouble } from '../../problem/problem'
import { ButtonLink } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Problem } from '../../ui/Problem'
import { SecondFactor } from '../entry/SecondFactor'

interface ProofDialogProps {
  /** How it can be proved, or why it cannot be here. */
  readonly wanted: FactorWanted | Trouble
  /** Told true when the proof was given, false when the dialog was closed. */
  readonly onDone: (proved: boolean) => void
}

/** Asks once more who it is. */
export function ProofDialog({ wanted, onDone }: ProofDialogProps) {
  const t = useText()
  return (
    <Dialog title={t('factor.proofTitle')} onClose={() => onDone(false)}>
      {'challenge' in wanted ? (
        <>
          <p>{t('factor.proofIntro')}</p>
          <SecondFactor
            wanted={wanted}
            label={t('factor.confirm')}
            prove={given =>
              dataOf(api.POST('/api/v1/session/proof', { body: { challenge: wanted.challenge, ...given } }))
            }
            onProved={async () => onDone(true)}
          />
        </>
      ) : wanted.code === 'session.proof_elsewhere' ? (
        <Elsewhere />
      ) : (
        <Problem trouble={wanted} />
      )}
    </Dialog>
  )
}

/** Says that the identity provider has to confirm once more who it is, and leads there. */
function Elsewhere() {
  const t = useText()
  return (
    <>
      <p>{t('factor.proofElsewhere')}</p>
      <ButtonLink
        href={`/signin?again=1&next=${encodeURIComponent(location.pathname)}`}
        look="primary"
        className="justify-self-start"
      >
        {t('action.signIn')}
      </ButtonLink>
    </>
  )
}
