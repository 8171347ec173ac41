import { type FormEvent, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { api, dataOf, type FactorWanted, type Provider } from '../../api/client'
import { useAction, useResource } from '../../api/resource'
import { networkDenied, useChangedSession, useSession } from '../../api/session'
import { Shell } from '../../app/Shell'
import { useText } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { SelectField, TextField } from '../../ui/Field'
import { Page } from '../../ui/Page'
import { PasswordField } from '../../ui/PasswordField'
import { Problem } from '../../ui/Problem'
import { localPath } from './localPath'
import { PasskeyButton } from './PasskeyButton'
import { Providers } from './Providers'
import { SecondPage } from './SecondPage'
import { secondInAddress } from './secondInAddress'
import { troubleInAddress } from './troubleInAddress'

const loadInstance = () => dataOf(api.GET('/api/v1/instance'))

/** Signs in, with a password or at an identity provider, and goes back to where one came from. */
export function SignInPage() {
  const t = useText()
  const session = useSession()
  const [, navigate] = useLocation()
  const instance = useResource(loadInstance)
  useChangedSession(instance.state === 'failed' && instance.trouble.code === networkDenied)
  const providers = instance.state === 'ready' ? instance.data.providers : []
  const [returned] = useState(() => troubleInAddress(location.search))
  const [wanted, setWanted] = useState(() => secondInAddress(location.hash))
  const [again] = useState(() => new URLSearchParams(location.search).has('again'))
  const next = localPath(new URLSearchParams(location.search).get('next'))
  const goOn = async () => {
    await session.reload()
    navigate(next, { replace: true })
  }
  if (wanted) return <SecondPage wanted={wanted} onProved={goOn} />
  return (
    <Shell account={false}>
      <Page title={t('action.signIn')}>
        {returned && <Problem trouble={returned} />}
        <PasswordForm
          directories={providers.filter(provider => provider.asks === 'password')}
          mailUnlock={instance.state === 'ready' && instance.data.mailUnlock}
          onWanted={setWanted}
          onSignedIn={goOn}
        />
        <Providers providers={providers.filter(provider => provider.asks === 'redirect')} again={again} next={next} />
      </Page>
    </Shell>
  )
}

interface PasswordFormProps {
  readonly directories: readonly Provider[]
  /** Owners of locked accounts get a mail. */
  readonly mailUnlock: boolean
  /** The password was right, and a second factor is wanted. */
  readonly onWanted: (wanted: FactorWanted) => void
  readonly onSignedIn: () => Promise<void>
}

/** Asks for a password of this server, or of one of the directories. */
function PasswordForm({ directories, mailUnlock, onWanted, onSignedIn }: PasswordFormProps) {
  const t = useText()
  const signing = useAction()
  const form = useRef<HTMLFormElement>(null)
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [provider, setProvider] = useState('')
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (signing.busy) return
    const body = { email: name.trim(), password, ...(provider !== '' && { provider }) }
    let factor: FactorWanted | undefined
    const ok = await signing.run(async () => {
      factor = (await dataOf(api.POST('/api/v1/session', { body }))).factor
    })
    if (factor) onWanted(factor)
    else if (ok) await onSignedIn()
    else form.current?.querySelector<HTMLInputElement>('[autocomplete=current-password]')?.select()
  }
  const wrongEmail = fieldError(t, signing.trouble, 'email')
  return (
    <>
      <form ref={form} onSubmit={submit} noValidate className="grid gap-5 rounded-xl border border-line bg-surface p-5">
        {signing.trouble && !wrongEmail && (
          <Problem trouble={signing.trouble}>
            {signing.trouble.code === 'auth.locked' && mailUnlock && provider === '' && <p>{t('entry.lockedMail')}</p>}
          </Problem>
        )}
        {directories.length > 0 && (
          <SelectField
            label={t('entry.accountAt')}
            value={provider}
            onChange={event => setProvider(event.target.value)}
          >
            <option value="">{t('entry.accountHere')}</option>
            {directories.map(directory => (
              <option key={directory.id} value={directory.id}>
                {directory.label}
              </option>
            ))}
          </SelectField>
        )}
        <TextField
          label={provider === '' ? t('entry.email') : t('entry.userName')}
          type={provider === '' ? 'email' : 'text'}
          autoComplete="username"
          autoCapitalize="none"
          autoFocus
          required
          value={name}
          error={wrongEmail}
          onChange={event => setName(event.currentTarget.value)}
        />
        <PasswordField
          label={t('entry.password')}
          autoComplete="current-password"
          required
          value={password}
          onChange={event => setPassword(event.currentTarget.value)}
        />
        <Button type="submit" look="primary" size="large" busy={signing.busy}>
          {t('action.signIn')}
        </Button>
      </form>
      <PasskeyButton onSignedIn={onSignedIn} />
      {provider === '' && <Forgotten />}
    </>
  )
}

function Forgotten() {
  const t = useText()
  const question = t('entry.forgotten')
  if (question === '') return null // the chapter with these texts is on its way
  return (
    <details>
      <summary className="py-2 font-semibold text-accent">{question}</summary>
      <p className="text-quiet">
        {t('entry.forgottenText')} <code className="wrap-anywhere">konklave user password</code>
      </p>
    </details>
  )
}
