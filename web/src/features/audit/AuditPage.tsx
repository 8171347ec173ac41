import { useCallback, useEffect, useState } from 'react'
import { Redirect } from 'wouter'
import { api, dataOf, everyPage, type User } from '../../api/client'
import { useAction, useResource } from '../../api/resource'
import { useSession } from '../../api/session'
import { Shell } from '../../app/Shell'
import { useI18n, useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Loading, Page, Section } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { useNotify } from '../../ui/Toasts'
import { EntryCard } from './EntryCard'
import { ExportPanel } from './ExportPanel'
import { Filters } from './Filters'
import { LogPanel } from './LogPanel'
import { everything, type Found, type Query, search } from './search'
import { ago, exactTime, type Users } from './words'

/** For auditors: the log, searched, verified and exported. */
export function AuditPage() {
  const session = useSession()
  if (session.state === 'loading') return <Loading />
  if (session.state === 'ready' && !session.data) return <Redirect to="/signin?next=%2Faudit" />
  return (
    <Shell>
      <AuditLog />
    </Shell>
  )
}

async function loadUsers(): Promise<Users> {
  const users = await everyPage<User>((last, limit) => {
    const query = { limit, ...(last && { after: last.email }) }
    return dataOf(api.GET('/api/v1/users', { params: { query } }))
  })
  return new Map(users.map(each => [each.id, each]))
}

export function AuditLog() {
  const t = useText()
  const users = useResource(loadUsers)
  const { announce } = useNotify()
  const [query, setQuery] = useState(everything)
  const [found, setFound] = useState<Found>()
  const searching = useAction()
  const { run } = searching
  const look = useCallback(
    (wanted: Query, before?: Found) =>
      run(async () => {
        const next = await search(wanted, before)
        setFound(next)
        announce(t('audit.found', { count: next.entries.length }))
      }),
    [run, announce, t],
  )
  const [first] = useState(() => look)
  useEffect(() => void first(everything), [first])
  const begin = (wanted: Query) => {
    setQuery(wanted)
    void look(wanted)
  }
  if (users.state === 'loading') return <Loading />
  return (
    <Page width="wide" title={t('audit.title')} intro={t('audit.intro')}>
      {users.state === 'failed' && <Problem trouble={users.trouble} />}
      {users.state === 'ready' && (
        <>
          <Filters query={query} users={users.data} busy={searching.busy} onChange={setQuery} onSearch={begin} />
          {searching.trouble && <Problem trouble={searching.trouble} />}
          {!found && searching.busy && <Loading />}
          {found && (
            <FoundList
              found={found}
              users={users.data}
              busy={searching.busy}
              onMore={() => void look(found.query, found)}
              onOnly={about => begin({ ...everything, about })}
            />
          )}
          <LogPanel />
          <Section title={t('audit.export')} intro={t('audit.export.intro')}>
            <ExportPanel />
          </Section>
        </>
      )}
    </Page>
  )
}

interface FoundListProps {
  readonly found: Found
  readonly users: Users
  readonly busy: boolean
  readonly onMore: () => void
  readonly onOnly: (about: string) => void
}

function FoundList({ found, users, busy, onMore, onOnly }: FoundListProps) {
  const { t, language } = useI18n()
  const { entries, next, back } = found
  const now = Date.now()
  return (
    <section aria-label={t('audit.found', { count: entries.length })} aria-busy={busy} className="grid gap-3">
      {entries.length === 0 && (
        <p className="rounded-xl border border-line border-dashed p-6 text-quiet">
          {next === undefined ? t('audit.none') : t('audit.noneYet')}
        </p>
      )}
      <ul className="grid gap-3">
        {entries.map(each => (
          <EntryCard key={each.index} entry={each} users={users} now={now} onOnly={onOnly} />
        ))}
      </ul>
      {next !== undefined && (
        <div className="flex flex-wrap items-center gap-3">
          <Button busy={busy} onClick={onMore}>
            {t('audit.more')}
          </Button>
          {back && (
            <p className="text-quiet text-sm">
              {t('audit.back', { date: exactTime(language, back), ago: ago(language, Date.parse(back), now) })}
            </p>
          )}
        </div>
      )}
    </section>
  )
}
