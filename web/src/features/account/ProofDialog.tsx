import { api, dataOf, type FactorWanted } from '../../api/client'
import { useText } from '../../i18n/react'
import type { Trouble } from '../../problem/problem'
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
  if (!('challenge' in wanted)) {
    return (
      <Dialog title={t('factor.proofTitle')} onClose={() => onDone(false)}>
        <Problem trouble={wanted} />
      </Dialog>
    )
  }
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
