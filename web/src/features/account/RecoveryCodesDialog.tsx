import { Download } from 'lucide-react'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { CopyButton } from '../../ui/Copy'
import { Dialog } from '../../ui/Dialog'
import { saveText } from '../../ui/secret'

interface RecoveryCodesDialogProps {
  /** They live in this page's memory alone. */
  readonly codes: readonly string[]
  readonly onClose: () => void
}

/** Shows the recovery codes this once. */
export function RecoveryCodesDialog({ codes, onClose }: RecoveryCodesDialogProps) {
  const t = useText()
  const text = codes.join('\n')
  return (
    <Dialog
      title={t('factor.recoveryTitle')}
      onClose={onClose}
      actions={
        <Button look="primary" onClick={onClose}>
          {t('factor.recoveryStored')}
        </Button>
      }
    >
      <p>{t('factor.recoveryIntro')}</p>
      <ul
        translate="no"
        data-recovery-codes
        className="grid gap-3 rounded-lg border border-control bg-canvas p-4 leading-snug sm:gap-1"
      >
        {codes.map(code => (
          <li key={code}>
            <code className="wrap-anywhere">{code}</code>
          </li>
        ))}
      </ul>
      <div className="flex flex-wrap gap-3">
        <CopyButton text={text} label={t('factor.copyCodes')} failure={t('recovery.copyFailed')} />
        <Button onClick={() => saveText(t('factor.fileName'), `${location.origin}\n\n${text}\n`)}>
          <Download aria-hidden="true" className="size-4 shrink-0" />
          {t('recovery.download')}
        </Button>
      </div>
    </Dialog>
  )
}
