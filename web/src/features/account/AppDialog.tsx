import { type FormEvent, useId, useState } from 'react'
import { type AddedFactor, api, dataOf, type NewApp } from '../../api/client'
import { useAction } from '../../api/resource'
import { useText } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { CopyButton } from '../../ui/Copy'
import { Dialog } from '../../ui/Dialog'
import { TextField } from '../../ui/Field'
import { Problem } from '../../ui/Problem'
import { groups } from '../../ui/secret'
import { QRCode } from './QRCode'

/** Characters in a group of the secret, for typing it off. */
const groupSize = 4

interface AppDialogProps {
  readonly app: NewApp
  readonly onAdded: (added: AddedFactor) => Promise<void>
  readonly onClose: () => void
}

/** Shows the secret to an authenticator app and takes the first code from it. */
export function AppDialog({ app, onAdded, onClose }: AppDialogProps) {
  const t = useText()
  const form = useId()
  const adding = useAction()
  const [name, setName] = useState(t('factor.appName'))
  const [code, setCode] = useState('')
  const { trouble } = adding
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (adding.busy) return
    let added: AddedFactor | undefined
    const ok = await adding.run(async () => {
      const body = { challenge: app.challenge, name: name.trim(), code: code.trim() }
      added = await dataOf(api.POST('/api/v1/me/factors/app', { body }))
    })
    if (ok && added) await onAdded(added)
  }
  const wrongName = fieldError(t, trouble, 'name')
  const wrongCode = fieldError(t, trouble, 'code')
  return (
    <Dialog
      title={t('factor.addApp')}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button type="submit" form={form} look="primary" busy={adding.busy}>
            {t('factor.add')}
          </Button>
        </>
      }
    >
      <p>{t('factor.appIntro')}</p>
      <QRCode rows={app.qr} label={t('factor.qr')} />
      <details>
        <summary className="py-2 font-semibold text-accent">{t('factor.typeSecret')}</summary>
        <div className="grid justify-items-start gap-3">
          <code translate="no" data-app-secret className="wrap-anywhere">
            {groups(app.secret, groupSize).join(' ')}
          </code>
          <CopyButton size="small" text={app.secret} label={t('factor.copySecret')} />
        </div>
      </details>
      <form id={form} onSubmit={submit} noValidate className="grid gap-4">
        <TextField
          label={t('factor.code')}
          hint={t('factor.codeHint')}
          inputMode="numeric"
          autoComplete="one-time-code"
          data-autofocus
          value={code}
          error={wrongCode}
          onChange={event => setCode(event.currentTarget.value)}
        />
        <TextField
          label={t('factor.name')}
          hint={t('factor.nameHint')}
          autoComplete="off"
          value={name}
          error={wrongName}
          onChange={event => setName(event.currentTarget.value)}
        />
        {trouble && !wrongName && !wrongCode && <Problem trouble={trouble} />}
      </form>
    </Dialog>
  )
}
