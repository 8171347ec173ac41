import { useSession } from '../../api/session'
import { Shell } from '../../app/Shell'
import { useText } from '../../i18n/react'
import { ButtonLink } from '../../ui/Button'
import { Loading, Page } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { TestLink } from '../connection/TestLink'
import { JoinByLink } from './JoinByLink'
import { MeetingsPage } from './MeetingsPage'
import { SetupHint } from './SetupHint'

/** The first page: one's meetings, or for others the way in. */
export function StartPage() {
  const session = useSession()
  return (
    <Shell account={session.state === 'ready' && session.data !== undefined}>
      {session.state === 'loading' && <Loading />}
      {session.state === 'failed' && (
        <Page title="Konklave">
          <Problem trouble={session.trouble} />
        </Page>
      )}
      {session.state === 'ready' && (session.data ? <MeetingsPage user={session.data} /> : <Welcome />)}
    </Shell>
  )
}

function Welcome() {
  const t = useText()
  return (
    <Page title={t('start.welcome')} intro={t('start.welcomeText')}>
      <SetupHint />
      <ButtonLink look="primary" size="large" href="/signin" className="justify-self-start">
        {t('action.signIn')}
      </ButtonLink>
      <JoinByLink />
      <TestLink />
    </Page>
  )
}
