import { type FormEvent, useState } from 'react'
import { api, dataOf } from '../../api/client'
import { useAction } from '../../api/resource'
import { useText } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { Section } from '../../ui/Page'
import { PasswordField } from '../../ui/PasswordField'
import { Problem } from '../../ui/Problem'
import { useNotify } from '../../ui/Toasts'

/** Changes the password; the old one proves who is asking. */
export function PasswordForm() {
  const t = useText()
  const { toast } = useNotify()
  const saving = useAction()
  const [before, setBefore] = useState('')
  const [after, setAfter] = useState('')
  const { trouble } = saving
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (saving.busy) return
    const body = { old: before, new: after }
    if (!(await saving.run(() => dataOf(api.PUT('/api/v1/me/password', { body }))))) return
    setBefore('')
    setAfter('')
    toast(t('account.passwordChanged'))
  }
  const wrongNew = fieldError(t, trouble, 'new') ?? fieldError(t, trouble, 'password')
  const wrongOld = fieldError(t, trouble, 'old')
  return (
    <Section id="password" title={t('entry.password')} intro={t('account.passwordIntro')}>
      <form onSubmit={submit} noValidate className="grid gap-4">
        <PasswordField
          label={t('account.oldPassword')}
          autoComplete="current-password"
          value={before}
          error={wrongOld}
          onChange={event => setBefore(event.currentTarget.value)}
        />
        <PasswordField
          label={t('account.newPassword')}
          hint={t('entry.passwordHint')}
          autoComplete="new-password"
          value={after}
          error={wrongNew}
          onChange={event => setAfter(event.currentTarget.value)}
        />
        {trouble && !wrongNew && !wrongOld && <Problem trouble={trouble} />}
        <Button type="submit" busy={saving.busy} className="justify-self-start">
          {t('account.changePassword')}
        </Button>
      </form>
    </Section>
  )
}
