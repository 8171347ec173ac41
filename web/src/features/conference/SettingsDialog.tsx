import { Keyboard } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Call, CallSnapshot } from '../../call/types'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { SwitchField } from '../../ui/Field'
import { AppearanceFields } from '../appearance/AppearanceFields'
import { DeviceFields } from '../devices/DeviceFields'

interface SettingsDialogProps {
  readonly call: Call
  readonly snapshot: CallSnapshot
  readonly onShortcuts: () => void
  readonly onClose: () => void
}

/** Everything one person can set during a conference; each change applies at once. */
export function SettingsDialog({ call, snapshot, onShortcuts, onClose }: SettingsDialogProps) {
  const t = useText()
  return (
    <Dialog
      title={t('control.settings')}
      onClose={onClose}
      wide
      actions={
        <Button look="primary" onClick={onClose}>
          {t('action.done')}
        </Button>
      }
    >
      <Section title={t('settings.devices')}>
        <DeviceFields call={call} snapshot={snapshot} />
      </Section>
      <Section title={t('settings.connection')}>
        <SwitchField
          label={t('settings.audioOnly')}
          hint={t('settings.audioOnlyHint')}
          checked={snapshot.audioOnly}
          onChange={event => call.setAudioOnly(event.currentTarget.checked)}
        />
      </Section>
      <Section title={t('settings.appearance')}>
        <AppearanceFields />
      </Section>
      <Section title={t('settings.keyboard')}>
        <Button onClick={onShortcuts} className="justify-self-start">
          <Keyboard aria-hidden="true" className="size-5" />
          {t('control.shortcuts')}
        </Button>
      </Section>
    </Dialog>
  )
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="grid gap-4 border-line border-b pb-5 last:border-b-0 last:pb-0">
      <h3 className="font-bold text-lg">{title}</h3>
      {children}
    </section>
  )
}
