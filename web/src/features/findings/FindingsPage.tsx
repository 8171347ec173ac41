import { RefreshCw } from 'lucide-react'
import { Redirect } from 'wouter'
import { api, dataOf, everyPage, type Finding, type User } from '../../api/client'
import { useResource } from '../../api/resource'
import { useSession } from '../../api/session'
import { Shell } from '../../app/Shell'
import { formatDateTime } from '../../i18n/format'
import type { TextKey } from '../../i18n/i18n'
import { useI18n, useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Loading, Page } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { hasRole } from '../account/roles'
import { Unlock } from '../account/Unlock'
import { EvidenceList } from './EvidenceList'
import { Handling } from './Handling'

interface Found {
  readonly findings: readonly Finding[]
  readonly users: ReadonlyMap<string, User>
}

async function load(): Promise<Found> {
  const [found, users] = await Promise.all([
    dataOf(api.GET('/api/v1/findings')),
    everyPage<User>((last, limit) => {
      const query = { limit, ...(last && { after: last.email }) }
      return dataOf(api.GET('/api/v1/users', { params: { query } }))
    }),
  ])
  return { findings: found.items, users: new Map(users.map(each => [each.id, each])) }
}

/** For those who guard the server: what was noticed, and for who may end a lock the button that does. */
export function FindingsPage() {
  const session = useSession()
  if (session.state === 'loading') return <Loading />
  if (session.state === 'ready' && !session.data) return <Redirect to="/signin?next=%2Ffindings" />
  const me = session.state === 'ready' ? session.data : undefined
  const unlocks = !!me && hasRole(me, 'user_admin', 'security_officer')
  return (
    <Shell>
      <FindingList unlocks={unlocks} handles={!!me && hasRole(me, 'security_officer')} />
    </Shell>
  )
}

interface FindingListProps {
  readonly unlocks: boolean
  readonly handles: boolean
}

/** What was noticed, the newest first. */
export function FindingList({ unlocks, handles }: FindingListProps) {
  const t = useText()
  const found = useResource(load)
  return (
    <Page
      width="wide"
      title={t('findings.title')}
      intro={t('findings.intro')}
      aside={
        <Button onClick={() => void found.reload()}>
          <RefreshCw aria-hidden="true" className="size-4 shrink-0" />
          {t('findings.refresh')}
        </Button>
      }
    >
      {found.state === 'loading' && <Loading />}
      {found.state === 'failed' && <Problem trouble={found.trouble} />}
      {found.state === 'ready' && found.data.findings.length === 0 && (
        <p className="rounded-xl border border-line border-dashed p-6 text-quiet">{t('findings.none')}</p>
      )}
      {found.state === 'ready' && found.data.findings.length > 0 && (
        <ul className="grid gap-3">
          {found.data.findings.map(each => (
            <FindingCard
              key={each.id}
              finding={each}
              users={found.data.users}
              unlocks={unlocks}
              handles={handles}
              onChanged={() => void found.reload()}
            />
          ))}
        </ul>
      )}
    </Page>
  )
}

const tones = { notice: 'text-quiet', warning: 'text-warning', alarm: 'text-danger' } as const

interface FindingCardProps {
  readonly finding: Finding
  readonly users: ReadonlyMap<string, User>
  readonly unlocks: boolean
  readonly handles: boolean
  readonly onChanged: () => void
}

function FindingCard({ finding, users, unlocks, handles, onChanged }: FindingCardProps) {
  const { t, language } = useI18n()
  const user = users.get(finding.userId ?? '')
  const { kind, severity, evidence, at, state } = finding
  const locked = state !== 'closed' && evidence.until !== undefined && new Date(evidence.until).getTime() > Date.now()
  return (
    <li className="grid gap-2 rounded-xl border border-line bg-surface p-5">
      <p className="flex flex-wrap gap-x-3 text-sm">
        <span className={`font-semibold ${tones[severity]}`}>{t(`severity.${severity}` as TextKey)}</span>
        <span className="text-quiet">{formatDateTime(language, at)}</span>
        <span className="font-semibold">{t(`findingState.${state}` as TextKey)}</span>
      </p>
      <h2 className="font-semibold text-lg">{t(`finding.${kind}` as TextKey) || kind}</h2>
      <p className="max-w-prose text-quiet">{t(`findingAdvice.${kind}` as TextKey)}</p>
      {user && <p className="wrap-anywhere">{t('findings.account', { account: `${user.name}, ${user.email}` })}</p>}
      {!user && kind === 'sign_in.locked' && <p>{t('findings.noAccount')}</p>}
      {locked && evidence.until && <p>{t('findings.until', { date: formatDateTime(language, evidence.until) })}</p>}
      <EvidenceList finding={finding} />
      <Handling finding={finding} users={users} handles={handles} onChanged={onChanged} />
      {unlocks && locked && user && evidence.scope !== 'source' && <Unlock user={user} />}
    </li>
  )
}
