import { useLocation } from 'wouter'
import { api, dataOf } from '../../api/client'
import { useAction } from '../../api/resource'
import { useSession } from '../../api/session'
import { Shell, signInAddress } from '../../app/Shell'
import { useText } from '../../i18n/react'
import { Button, ButtonLink } from '../../ui/Button'
import { Loading, Page, Section } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { AppearanceFields } from '../appearance/AppearanceFields'
import { Factors } from './Factors'
import { OwnData } from './OwnData'
import { PasswordForm } from './PasswordForm'
import { ProfileForm } from './ProfileForm'
import { hasRole } from './roles'
import { Sessions } from './Sessions'
import { Tokens } from './Tokens'
import { Users } from './Users'

/** Everything about one's own account; for those who look after them also the accounts of the others. */
export function AccountPage() {
  const session = useSession()
  return (
    <Shell>
      {session.state === 'loading' && <Loading />}
      {session.state === 'failed' && (
        <Page title="Konklave">
          <Problem trouble={session.trouble} />
        </Page>
      )}
      {session.state === 'ready' && (session.data ? <Account /> : <SignedOut />)}
    </Shell>
  )
}

function SignedOut() {
  const t = useText()
  return (
    <Page title={t('account.title')} intro={t('account.signedOut')}>
      <ButtonLink look="primary" href={signInAddress()} className="justify-self-start">
        {t('action.signIn')}
      </ButtonLink>
    </Page>
  )
}

function Account() {
  const t = useText()
  const session = useSession()
  const user = session.state === 'ready' ? session.data : undefined
  if (!user) return null
  return (
    <Page title={t('account.title')} intro={user.email} aside={<SignOut />}>
      <ProfileForm user={user} onSaved={session.reload} />
      <Section title={t('settings.appearance')} intro={t('account.appearanceIntro')}>
        <AppearanceFields />
      </Section>
      <PasswordForm />
      <Factors />
      <Sessions />
      <Tokens />
      <OwnData />
      {hasRole(user, 'operator') && (
        <ButtonLink href="/conferences" className="justify-self-start">
          {t('account.conferences')}
        </ButtonLink>
      )}
      {hasRole(user, 'user_admin', 'security_officer', 'auditor') && (
        <ButtonLink href="/approvals" className="justify-self-start">
          {t('account.approvals')}
        </ButtonLink>
      )}
      {hasRole(user, 'security_officer', 'auditor') && (
        <ButtonLink href="/findings" className="justify-self-start">
          {t('account.findings')}
        </ButtonLink>
      )}
      {hasRole(user, 'user_admin', 'security_officer', 'auditor') && (
        <ButtonLink href="/machines" className="justify-self-start">
          {t('account.machines')}
        </ButtonLink>
      )}
      {hasRole(user, 'auditor') && (
        <ButtonLink href="/audit" className="justify-self-start">
          {t('account.audit')}
        </ButtonLink>
      )}
      {hasRole(user, 'user_admin', 'security_officer', 'auditor') && <Users by={user} />}
    </Page>
  )
}

function SignOut() {
  const t = useText()
  const session = useSession()
  const [, navigate] = useLocation()
  const leaving = useAction()
  const signOut = async () => {
    let elsewhere: string | undefined
    const ok = await leaving.run(async () => {
      elsewhere = (await dataOf(api.DELETE('/api/v1/session'))).address
    })
    if (!ok) return
    if (elsewhere) return location.assign(elsewhere) // to sign out at the identity provider too
    await session.reload()
    navigate('/')
  }
  return (
    <div className="grid gap-2">
      <Button busy={leaving.busy} onClick={() => void signOut()}>
        {t('account.signOut')}
      </Button>
      {leaving.trouble && <Problem trouble={leaving.trouble} />}
    </div>
  )
}
