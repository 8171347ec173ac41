import type { Call } from '../../call/types'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'

/** For the host: leave, or, set apart from it, end the conference for all. The safe answer has the focus. */
export function LeaveDialog({ call, onClose }: { readonly call: Call; readonly onClose: () => void }) {
  const t = useText()
  const choose = (act: () => Promise<void>) => () => {
    onClose()
    void act()
  }
  return (
    <Dialog
      title={t('leave.title')}
      onClose={onClose}
      actions={
        <>
          <Button look="dangerOutline" onClick={choose(() => call.endForAll())} className="max-sm:mt-3 sm:mr-auto">
            {t('leave.end')}
          </Button>
          <Button data-autofocus onClick={onClose}>
            {t('leave.stay')}
          </Button>
          <Button look="primary" onClick={choose(() => call.leave())}>
            {t('leave.alone')}
          </Button>
        </>
      }
    >
      <p>{t('leave.explanation')}</p>
    </Dialog>
  )
}
