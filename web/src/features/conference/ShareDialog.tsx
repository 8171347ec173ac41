import { useState } from 'react'
import type { Call, ScreenHint } from '../../call/types'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { ChoiceField, SwitchField } from '../../ui/Field'

/** How the screen is to be shared; what is shared the browser asks next. */
export function ShareDialog({ call, onClose }: { readonly call: Call; readonly onClose: () => void }) {
  const t = useText()
  const [audio, setAudio] = useState(false)
  const [hint, setHint] = useState<ScreenHint>('detail')
  const start = () => {
    onClose()
    void call.shareScreen({ audio, hint })
  }
  return (
    <Dialog
      title={t('control.share')}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="primary" data-autofocus onClick={start}>
            {t('share.start')}
          </Button>
        </>
      }
    >
      <p className="text-quiet">{t('share.explanation')}</p>
      <ChoiceField
        label={t('share.hint')}
        value={hint}
        onChoose={setHint}
        choices={[
          { value: 'detail', label: t('share.detail') },
          { value: 'motion', label: t('share.motion') },
        ]}
      />
      <SwitchField
        label={t('share.audio')}
        hint={t('share.audioHint')}
        checked={audio}
        onChange={event => setAudio(event.currentTarget.checked)}
      />
    </Dialog>
  )
}
