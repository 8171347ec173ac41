import { type FormEvent, useState } from 'react'
import { api, dataOf, everyPage, type User } from '../../api/client'
import { useAction, useResource } from '../../api/resource'
import { useI18n, useText } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Avatar } from '../../ui/Avatar'
import { Button } from '../../ui/Button'
import { SelectField, TextField } from '../../ui/Field'
import { Loading, Section } from '../../ui/Page'
import { PasswordField } from '../../ui/PasswordField'
import { Problem } from '../../ui/Problem'
import { useNotify } from '../../ui/Toasts'

const load = () =>
  everyPage<User>((last, limit) => {
    const query = { limit, ...(last && { after: last.email }) }
    return dataOf(api.GET('/api/v1/users', { params: { query } }))
  })

/** For administrators: all accounts, and new ones. */
export function Users() {
  const t = useText()
  const users = useResource(load)
  return (
    <Section title={t('users.title')} intro={t('users.intro')}>
      {users.state === 'loading' && <Loading />}
      {users.state === 'failed' && <Problem trouble={users.trouble} />}
      {users.state === 'ready' && (
        <ul className="grid gap-1">
          {users.data.map(each => (
            <li key={each.id} className="flex min-h-12 items-center gap-3">
              <Avatar name={each.name} className="size-9 text-sm" />
              <div className="min-w-0">
                <p className="wrap-anywhere" dir="auto">
                  {each.name}
                </p>
                <p className="flex flex-wrap gap-x-2 text-quiet text-sm">
                  <span className="wrap-anywhere">{each.email}</span>
                  {each.role === 'admin' && <span>{t('users.admin')}</span>}
                  {each.disabled && <span className="text-danger">{t('users.disabled')}</span>}
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
      <UserForm onCreated={users.reload} />
    </Section>
  )
}

type Role = User['role']

const nobody = { name: '', email: '', password: '', role: 'user' as Role }

function UserForm({ onCreated }: { readonly onCreated: () => Promise<void> }) {
  const { t, language } = useI18n()
  const { toast } = useNotify()
  const creating = useAction()
  const [draft, setDraft] = useState(nobody)
  const { trouble } = creating
  const edit = (patch: Partial<typeof nobody>) => setDraft(before => ({ ...before, ...patch }))
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (creating.busy) return
    const body = { ...draft, name: draft.name.trim(), email: draft.email.trim(), language }
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
      <SelectField
        label={t('users.role')}
        value={draft.role}
        onChange={event => edit({ role: event.currentTarget.value === 'admin' ? 'admin' : 'user' })}
      >
        <option value="user">{t('users.user')}</option>
        <option value="admin">{t('users.admin')}</option>
      </SelectField>
      {trouble && !trouble.fields && <Problem trouble={trouble} />}
      <Button type="submit" busy={creating.busy} className="justify-self-start">
        {t('users.create')}
      </Button>
    </form>
  )
}
