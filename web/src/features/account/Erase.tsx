import { type FormEvent, useId, useState } from 'react'
import { api, dataOf, type User } from '../../api/client'
import { useAction } from '../../api/resource'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { TextField } from '../../ui/Field'
import { Problem } from '../../ui/Problem'
import { useNotify } from '../../ui/Toasts'

const goes = ['erase.account', 'erase.proofs', 'erase.sessions', 'erase.habits', 'erase.log'] as const
const stays = ['erase.meetings', 'erase.others', 'erase.backups', 'erase.provider'] as const

interface EraseProps {
  readonly user: User
  readonly onChanged: () => Promise<void>
}

/** Erases the person behind an account, after saying what goes and what stays. */
export function Erase({ user, onChanged }: EraseProps) {
  const t = useText()
  const [open, setOpen] = useState(false)
  return (
    <div className="grid gap-2">
      <Button look="dangerOutline" className="justify-self-start" onClick={() => setOpen(true)}>
        {t('erase.open')}
      </Button>
      <p className="text-quiet text-sm">{t('erase.text')}</p>
      {open && <EraseDialog user={user} onChanged={onChanged} onClose={() => setOpen(false)} />}
    </div>
  )
}

function EraseDialog({ user, onChanged, onClose }: EraseProps & { readonly onClose: () => void }) {
  const t = useText()
  const form = useId()
  const { toast } = useNotify()
  const erasing = useAction()
  const [typed, setTyped] = useState('')
  const [wrong, setWrong] = useState(false)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (erasing.busy) return
    const sure = typed.trim().toLowerCase() === user.email.toLowerCase()
    setWrong(!sure)
    if (!sure) return
    const request = { params: { path: { id: user.id } } }
    if (!(await erasing.run(() => dataOf(api.PUT('/api/v1/users/{id}/erased', request))))) return
    toast(t('erase.done', { name: user.name }))
    onClose()
    await onChanged()
  }
  return (
    <Dialog
      wide
      title={t('erase.title')}
      onClose={onClose}
      actions={
        <>
          <Button data-autofocus onClick={onClose}>
            {t('action.cancel')}
          </Button>
          <Button type="submit" form={form} look="danger" busy={erasing.busy}>
            {t('erase.confirm')}
          </Button>
        </>
      }
    >
      <p className="wrap-anywhere" dir="auto">
        {t('erase.whom', { name: user.name, email: user.email })}
      </p>
      <Points title={t('erase.goes')} texts={goes.map(key => t(key))} />
      <Points title={t('erase.stays')} texts={stays.map(key => t(key))} />
      <form id={form} onSubmit={submit} noValidate>
        <TextField
          required
          type="email"
          autoComplete="off"
          label={t('erase.type')}
          hint={user.email}
          value={typed}
          error={wrong ? t('erase.differs') : undefined}
          onChange={event => setTyped(event.currentTarget.value)}
        />
      </form>
      {erasing.trouble && <Problem trouble={erasing.trouble} />}
    </Dialog>
  )
}

function Points({ title, texts }: { readonly title: string; readonly texts: readonly string[] }) {
  return (
    <section className="grid gap-2">
      <h3 className="font-semibold">{title}</h3>
      <ul className="grid list-disc gap-1 pl-5">
        {texts.map(text => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </section>
  )
}
