import { type FormEvent, useState } from 'react'
import { api, dataOf } from '../../api/client'
import { useAction } from '../../api/resource'
import { useI18n } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { PasswordField } from '../../ui/PasswordField'
import { Problem } from '../../ui/Problem'
import { useNotify } from '../../ui/Toasts'
import { RoleFields } from './RoleFields'
import type { Role } from './roles'

const nobody = { name: '', email: '', password: '', roles: ['user'] as readonly Role[] }

/** Makes an account. */
export function UserForm({ onCreated }: { readonly onCreated: () => Promise<void> }) {
  const { t, language } = useI18n()
  const { toast } = useNotify()
  const creating = useAction()
  const [draft, setDraft] = useState(nobody)
  const { trouble } = creating
  const edit = (patch: Partial<typeof nobody>) => setDraft(before => ({ ...before, ...patch }))
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (creating.busy) return
    const body = { ...draft, name: draft.name.trim(), email: draft.email.trim(), roles: [...draft.roles], language }
    if (!(await creating.run(() => dataOf(api.POST('/api/v1/users', { body }))))) return
    toast(t('users.created', { name: body.name }))
    setDraft(nobody)
    await onCreated()
  }
  return (
    <form onSubmit={submit} noValidate className="grid gap-4 border-line border-t pt-4">
      <h3 className="font-bold">{t('users.new')}</h3>
      <TextField
        label={t('users.name')}
        autoComplete="off"
        value={draft.name}
        error={fieldError(t, trouble, 'name')}
        onChange={event => edit({ name: event.currentTarget.value })}
      />
      <TextField
        label={t('entry.email')}
        type="email"
        autoComplete="off"
        value={draft.email}
        error={fieldError(t, trouble, 'email')}
        onChange={event => edit({ email: event.currentTarget.value })}
      />
      <PasswordField
        label={t('users.password')}
        hint={t('entry.passwordHint')}
        autoComplete="new-password"
        value={draft.password}
        error={fieldError(t, trouble, 'password')}
        onChange={event => edit({ password: event.currentTarget.value })}
      />
      <RoleFields
        value={draft.roles}
        error={fieldError(t, trouble, 'roles')}
        onChange={value => edit({ roles: value })}
      />
      {trouble && !trouble.fields && <Problem trouble={trouble} />}
      <Button type="submit" busy={creating.busy} className="justify-self-start">
        {t('users.create')}
      </Button>
    </form>
  )
}
