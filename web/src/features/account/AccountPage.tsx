import { useLocation } from 'wouter'
import { useSession } from '../../api/session'
import { useSignOut } from '../../api/signOut'
import { Shell, signInAddress } from '../../app/Shell'
import { useText } from '../../i18n/react'
import { Button, ButtonLink } from '../../ui/Button'
import { Loading, Page, Section } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { AppearanceFields } from '../appearance/AppearanceFields'
import { Contents } from './Contents'
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
  const looksAfter = hasRole(user, 'user_admin', 'security_officer', 'auditor')
  return (
    <Page title={t('account.title')} intro={user.email} aside={<SignOut />}>
      <Contents others={looksAfter} />
      <ProfileForm user={user} onSaved={session.reload} />
      <Section id="appearance" title={t('settings.appearance')} intro={t('account.appearanceIntro')}>
        <AppearanceFields />
      </Section>
      <PasswordForm />
      <Factors />
      <Sessions />
      <Tokens />
      <OwnData />
      <div className="flex flex-wrap gap-3 empty:hidden">
        {hasRole(user, 'operator') && <ButtonLink href="/conferences">{t('account.conferences')}</ButtonLink>}
        {looksAfter && <ButtonLink href="/approvals">{t('account.approvals')}</ButtonLink>}
        {hasRole(user, 'security_officer', 'auditor') && (
          <ButtonLink href="/findings">{t('account.findings')}</ButtonLink>
        )}
        {looksAfter && <ButtonLink href="/machines">{t('account.machines')}</ButtonLink>}
        {hasRole(user, 'auditor') && <ButtonLink href="/audit">{t('account.audit')}</ButtonLink>}
      </div>
      {looksAfter && <Users by={user} />}
    </Page>
  )
}

function SignOut() {
  const t = useText()
  const session = useSession()
  const [, navigate] = useLocation()
  const leaving = useSignOut()
  const toStart = async () => {
    await session.reload()
    navigate('/')
  }
  return (
    <div className="grid gap-2">
      <Button busy={leaving.busy} onClick={() => void leaving.signOut(toStart)}>
        {t('account.signOut')}
      </Button>
      {leaving.trouble && <Problem trouble={leaving.trouble} />}
    </div>
  )
}
