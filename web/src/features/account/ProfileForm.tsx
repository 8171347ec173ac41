import { type FormEvent, useState } from 'react'
import { api, dataOf, type User } from '../../api/client'
import { useAction } from '../../api/resource'
import { useI18n } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Section } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { useNotify } from '../../ui/Toasts'

/** The name the others see, and the language the server writes in. */
export function ProfileForm({ user, onSaved }: { readonly user: User; readonly onSaved: () => Promise<void> }) {
  const { t, language } = useI18n()
  const { toast } = useNotify()
  const saving = useAction()
  const [name, setName] = useState(user.name)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (saving.busy) return
    const body = { name: name.trim(), language }
    if (!(await saving.run(() => dataOf(api.PATCH('/api/v1/me', { body }))))) return
    await onSaved()
    toast(t('account.saved'))
  }
  const error = fieldError(t, saving.trouble, 'name')
  return (
    <Section id="profile" title={t('account.profile')}>
      <form onSubmit={submit} noValidate className="grid gap-4">
        <TextField
          label={t('join.name')}
          hint={t('account.nameHint')}
          autoComplete="name"
          value={name}
          error={error}
          onChange={event => setName(event.currentTarget.value)}
        />
        {saving.trouble && !error && <Problem trouble={saving.trouble} />}
        <Button type="submit" look="primary" busy={saving.busy} className="justify-self-start">
          {t('action.save')}
        </Button>
      </form>
    </Section>
  )
}
