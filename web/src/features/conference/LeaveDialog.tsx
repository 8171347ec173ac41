import type { Call } from '../../call/types'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'

/** For the host: leave, or end the conference for all. The safe answer has the focus. */
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
          <Button data-autofocus onClick={onClose}>
            {t('leave.stay')}
          </Button>
          <Button onClick={choose(() => call.leave())}>{t('leave.alone')}</Button>
          <Button look="danger" onClick={choose(() => call.endForAll())}>
            {t('leave.end')}
          </Button>
        </>
      }
    >
      <p>{t('leave.explanation')}</p>
    </Dialog>
  )
}
