import { type FormEvent, Suspense, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { api, dataOf, type FactorWanted } from '../../api/client'
import { useAction } from '../../api/resource'
import { useSession } from '../../api/session'
import { Shell } from '../../app/Shell'
import { Texts, useText } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Loading, Page } from '../../ui/Page'
import { PasswordField } from '../../ui/PasswordField'
import { Problem } from '../../ui/Problem'
import { localPath } from './localPath'
import { PasskeyButton } from './PasskeyButton'
import { SecondFactor } from './SecondFactor'

/** Signs in with e-mail and password and goes back to where one came from. */
export function SignInPage() {
  const t = useText()
  const session = useSession()
  const [, navigate] = useLocation()
  const signing = useAction()
  const form = useRef<HTMLFormElement>(null)
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [wanted, setWanted] = useState<FactorWanted>()
  const goOn = async () => {
    await session.reload()
    navigate(localPath(new URLSearchParams(location.search).get('next')), { replace: true })
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (signing.busy) return
    let factor: FactorWanted | undefined
    const ok = await signing.run(async () => {
      factor = (await dataOf(api.POST('/api/v1/session', { body: { email: email.trim(), password } }))).factor
    })
    if (factor) setWanted(factor)
    else if (ok) await goOn()
    else form.current?.querySelector<HTMLInputElement>('[autocomplete=current-password]')?.select()
  }
  if (wanted) return <Second wanted={wanted} onProved={goOn} />
  const wrongEmail = fieldError(t, signing.trouble, 'email')
  return (
    <Shell account={false}>
      <Page title={t('action.signIn')}>
        <form
          ref={form}
          onSubmit={submit}
          noValidate
          className="grid gap-5 rounded-xl border border-line bg-surface p-5"
        >
          {signing.trouble && !wrongEmail && <Problem trouble={signing.trouble} />}
          <TextField
            label={t('entry.email')}
            type="email"
            autoComplete="username"
            autoFocus
            required
            value={email}
            error={wrongEmail}
            onChange={event => setEmail(event.currentTarget.value)}
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
        <PasskeyButton onSignedIn={goOn} />
        <Forgotten />
      </Page>
    </Shell>
  )
}

/** After the password, where the account has a second factor. */
function Second({ wanted, onProved }: { readonly wanted: FactorWanted; readonly onProved: () => Promise<void> }) {
  return (
    <Shell account={false}>
      <Suspense fallback={<Loading />}>
        <Texts chapter="more">
          <SecondPage wanted={wanted} onProved={onProved} />
        </Texts>
      </Suspense>
    </Shell>
  )
}

function SecondPage({ wanted, onProved }: { readonly wanted: FactorWanted; readonly onProved: () => Promise<void> }) {
  const t = useText()
  return (
    <Page title={t('factor.secondTitle')} intro={t('factor.secondIntro')}>
      <div className="grid gap-5 rounded-xl border border-line bg-surface p-5">
        <SecondFactor
          wanted={wanted}
          label={t('action.signIn')}
          prove={proof =>
            dataOf(api.POST('/api/v1/session/factor', { body: { challenge: wanted.challenge, ...proof } }))
          }
          onProved={onProved}
        />
      </div>
    </Page>
  )
}

/** There is no mail that could prove who asks: the administrator gives a new password. */
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
