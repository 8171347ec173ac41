import { api, dataOf, type Session } from '../../api/client'
import { useAction, useResource } from '../../api/resource'
import { formatDateTime } from '../../i18n/format'
import { useI18n, useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Loading, Section } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { useNotify } from '../../ui/Toasts'
import { browserName, networkName } from './browser'
import { RevocableRow } from './RevocableRow'

const load = async (): Promise<readonly Session[]> => (await dataOf(api.GET('/api/v1/me/sessions'))).items

/** Where one is signed in; each place can be signed out. */
export function Sessions() {
  const t = useText()
  const sessions = useResource(load)
  return (
    <Section id="sessions" title={t('account.sessions')} intro={t('account.sessionsIntro')}>
      {sessions.state === 'loading' && <Loading />}
      {sessions.state === 'failed' && <Problem trouble={sessions.trouble} />}
      {sessions.state === 'ready' && (
        <>
          <ul className="grid divide-y divide-line">
            {sessions.data.map(each => (
              <SessionRow key={each.id} session={each} onRevoked={sessions.reload} />
            ))}
          </ul>
          {sessions.data.some(each => !each.current) && <EndOthers onEnded={sessions.reload} />}
        </>
      )}
    </Section>
  )
}

function EndOthers({ onEnded }: { readonly onEnded: () => Promise<void> }) {
  const t = useText()
  const { toast } = useNotify()
  const ending = useAction()
  const end = async () => {
    if (!(await ending.run(() => dataOf(api.DELETE('/api/v1/me/sessions'))))) return
    toast(t('account.othersEnded'))
    await onEnded()
  }
  return (
    <div className="grid gap-2">
      <Button look="dangerOutline" busy={ending.busy} className="justify-self-start" onClick={() => void end()}>
        {t('account.endOthers')}
      </Button>
      {ending.trouble && <Problem trouble={ending.trouble} />}
    </div>
  )
}

function SessionRow({ session, onRevoked }: { readonly session: Session; readonly onRevoked: () => Promise<void> }) {
  const { t, language } = useI18n()
  const params = { path: { id: session.id } }
  return (
    <RevocableRow
      title={
        <>
          {browserName(session.userAgent) || t('account.unknownBrowser')}
          {session.current && <span className="ml-2 font-semibold text-good">{t('account.thisSession')}</span>}
        </>
      }
      detail={t('account.seenAt', {
        date: formatDateTime(language, session.seenAt),
        source: networkName(session.source) ?? t('account.thisComputer'),
      })}
      label={session.current ? undefined : t('account.revokeSession')}
      revoke={() => dataOf(api.DELETE('/api/v1/me/sessions/{id}', { params }))}
      onRevoked={onRevoked}
    />
  )
}
