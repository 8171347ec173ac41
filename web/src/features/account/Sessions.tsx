import { api, dataOf, type Session } from '../../api/client'
import { useAction, useResource } from '../../api/resource'
import { formatDateTime } from '../../i18n/format'
import { useI18n, useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Loading, Section } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { browserName, networkName } from './browser'

const load = async (): Promise<readonly Session[]> => (await dataOf(api.GET('/api/v1/me/sessions'))).items

/** Where one is signed in; each place can be signed out. */
export function Sessions() {
  const t = useText()
  const sessions = useResource(load)
  return (
    <Section title={t('account.sessions')} intro={t('account.sessionsIntro')}>
      {sessions.state === 'loading' && <Loading />}
      {sessions.state === 'failed' && <Problem trouble={sessions.trouble} />}
      {sessions.state === 'ready' && (
        <ul className="grid divide-y divide-line">
          {sessions.data.map(each => (
            <SessionRow key={each.id} session={each} onRevoked={sessions.reload} />
          ))}
        </ul>
      )}
    </Section>
  )
}

function SessionRow({ session, onRevoked }: { readonly session: Session; readonly onRevoked: () => Promise<void> }) {
  const { t, language } = useI18n()
  const revoking = useAction()
  const params = { path: { id: session.id } }
  const revoke = async () => {
    if (await revoking.run(() => dataOf(api.DELETE('/api/v1/me/sessions/{id}', { params })))) await onRevoked()
  }
  const name = browserName(session.userAgent) || t('account.unknownBrowser')
  return (
    <li className="grid gap-2 py-3 first:pt-0 last:pb-0">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <div className="min-w-0">
          <p className="wrap-anywhere">
            {name}
            {session.current && <span className="ml-2 font-semibold text-good">{t('account.thisSession')}</span>}
          </p>
          <p className="text-quiet text-sm">
            {t('account.seenAt', {
              date: formatDateTime(language, session.seenAt),
              source: networkName(session.source) ?? t('account.thisComputer'),
            })}
          </p>
        </div>
        {!session.current && (
          <Button look="dangerQuiet" size="small" busy={revoking.busy} onClick={() => void revoke()}>
            {t('account.revokeSession')}
          </Button>
        )}
      </div>
      {revoking.trouble && <Problem trouble={revoking.trouble} />}
    </li>
  )
}
