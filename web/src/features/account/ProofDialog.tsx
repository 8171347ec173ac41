import { api, dataOf, type FactorWanted } from '../../api/client'
import { useText } from '../../i18n/react'
import { ButtonLink } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { SecondFactor } from '../entry/SecondFactor'

/** Says that the identity provider has to confirm once more who it is, and leads there. */
export function ProofElsewhere({ onDone }: Pick<ProofDialogProps, 'onDone'>) {
  const t = useText()
  const address = `/signin?again=1&next=${encodeURIComponent(location.pathname)}`
  return (
    <Dialog title={t('factor.proofTitle')} onClose={() => onDone(false)}>
      <p>{t('factor.proofElsewhere')}</p>
      <ButtonLink href={address} look="primary" className="justify-self-start">
        {t('action.signIn')}
      </ButtonLink>
    </Dialog>
  )
}

interface ProofDialogProps {
  readonly wanted: FactorWanted
  /** Told true when the proof was given, false when the dialog was closed. */
  readonly onDone: (proved: boolean) => void
}

/** Asks once more who it is. */
export function ProofDialog({ wanted, onDone }: ProofDialogProps) {
  const t = useText()
  return (
    <Dialog title={t('factor.proofTitle')} onClose={() => onDone(false)}>
      <p>{t('factor.proofIntro')}</p>
      <SecondFactor
        wanted={wanted}
        label={t('factor.confirm')}
        prove={given => dataOf(api.POST('/api/v1/session/proof', { body: { challenge: wanted.challenge, ...given } }))}
        onProved={async () => onDone(true)}
      />
    </Dialog>
  )
}
