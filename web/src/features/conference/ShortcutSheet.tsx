import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { SwitchField } from '../../ui/Field'
import type { Command } from './commands'

interface ShortcutSheetProps {
  readonly commands: readonly Command[]
  readonly enabled: boolean
  readonly onEnable: (on: boolean) => void
  readonly onClose: () => void
}

/** All keys of the conference, and the switch for the letters. */
export function ShortcutSheet({ commands, enabled, onEnable, onClose }: ShortcutSheetProps) {
  const t = useText()
  const rows = [
    ...commands.map(command => ({ keys: command.shortcut.toUpperCase(), text: t(command.label) })),
    { keys: '?', text: t('control.shortcuts') },
    { keys: 'F6', text: t('shortcuts.regions') },
    { keys: '← →', text: t('shortcuts.arrows') },
    { keys: 'Esc', text: t('shortcuts.escape') },
  ]
  return (
    <Dialog
      title={t('control.shortcuts')}
      onClose={onClose}
      actions={
        <Button look="primary" onClick={onClose}>
          {t('action.done')}
        </Button>
      }
    >
      <SwitchField
        label={t('shortcuts.enabled')}
        hint={t('shortcuts.enabledHint')}
        checked={enabled}
        onChange={event => onEnable(event.currentTarget.checked)}
      />
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-2">
        {rows.map(row => (
          <div key={row.keys} className="contents">
            <dt>
              <kbd className="inline-block min-w-9 rounded-md border border-control bg-raised px-2 py-0.5 text-center font-sans text-sm">
                {row.keys}
              </kbd>
            </dt>
            <dd>{row.text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
