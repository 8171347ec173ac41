import { KeyRound } from 'lucide-react'
import { type FormEvent, useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { api, dataOf } from '../../api/client'
import { useAction } from '../../api/resource'
import { useSession } from '../../api/session'
import { Shell } from '../../app/Shell'
import { useI18n } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button, ButtonLink } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Page } from '../../ui/Page'
import { PasswordField } from '../../ui/PasswordField'
import { Problem } from '../../ui/Problem'
import { FailurePage } from '../failure/FailurePage'
import { RecoveryKeyPage } from './RecoveryKeyPage'

const hopeless = new Set(['setup.done', 'setup.invalid'])

/** Creates the first administrator; the link to this page is printed by the server. */
export function SetupPage() {
  const { t } = useI18n()
  const [token] = useState(() => location.hash.slice(1))
  // Once it is read, the one-time token stays neither in the address nor in the history. Not while rendering: a rendering
  // may be thrown away, and the token with it.
  useEffect(() => history.replaceState(null, '', location.pathname), [])
  const action = useAction()
  const session = useSession()
  const [, navigate] = useLocation()
  const [recoveryKey, setRecoveryKey] = useState<string>()
  const code = token === '' ? 'setup.invalid' : action.trouble?.code
  const finish = async () => {
    await session.reload()
    navigate('/', { replace: true })
  }
  if (recoveryKey !== undefined) {
    return (
      <Shell account={false} leave={false}>
        <RecoveryKeyPage recoveryKey={recoveryKey} onDone={finish} />
      </Shell>
    )
  }
  return (
    <Shell account={false}>
      {code && hopeless.has(code) ? (
        <FailurePage trouble={action.trouble ?? { code }}>
          <ButtonLink href="/" look="primary">
            {t('action.toStart')}
          </ButtonLink>
        </FailurePage>
      ) : (
        <Page title={t('setup.title')} intro={t('setup.intro')}>
          <SetupForm token={token} action={action} onCreated={setRecoveryKey} />
        </Page>
      )}
    </Shell>
  )
}

interface SetupFormProps {
  readonly token: string
  readonly action: ReturnType<typeof useAction>
  readonly onCreated: (recoveryKey: string) => void
}

function SetupForm({ token, action, onCreated }: SetupFormProps) {
  const { t, language } = useI18n()
  const [name, setName] = useState('')
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const { trouble, busy, run } = action
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (busy) return
    const body = { token, name: name.trim(), email: email.trim(), password, language }
    await run(async () => onCreated((await dataOf(api.POST('/api/v1/setup', { body }))).recoveryKey))
  }
  return (
    <form onSubmit={submit} noValidate className="grid gap-5 rounded-xl border border-line bg-surface p-5">
      {trouble && !trouble.fields && <Problem trouble={trouble} />}
      <TextField
        label={t('join.name')}
        autoComplete="name"
        autoFocus
        required
        value={name}
        error={fieldError(t, trouble, 'name')}
        onChange={event => setName(event.currentTarget.value)}
      />
      <TextField
        label={t('entry.email')}
        type="email"
        autoComplete="username"
        required
        value={email}
        error={fieldError(t, trouble, 'email')}
        onChange={event => setEmail(event.currentTarget.value)}
      />
      <PasswordField
        label={t('entry.password')}
        hint={t('entry.passwordHint')}
        autoComplete="new-password"
        required
        value={password}
        error={fieldError(t, trouble, 'password')}
        onChange={event => setPassword(event.currentTarget.value)}
      />
      <p className="flex gap-3 text-quiet">
        <KeyRound aria-hidden="true" className="mt-0.5 size-5 shrink-0" />
        {t('setup.next')}
      </p>
      <Button type="submit" look="primary" size="large" busy={busy}>
        {t('setup.submit')}
      </Button>
    </form>
  )
}
