import { CircleCheck, RefreshCw, ShieldAlert } from 'lucide-react'
import { Fragment } from 'react'
import { Redirect } from 'wouter'
import { api, dataOf, type LiveConference } from '../../api/client'
import { useResource } from '../../api/resource'
import { useSession } from '../../api/session'
import { Shell } from '../../app/Shell'
import { formatDateTime } from '../../i18n/format'
import type { TextKey } from '../../i18n/i18n'
import { useI18n, useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Loading, Page } from '../../ui/Page'
import { Problem } from '../../ui/Problem'

const load = async () => (await dataOf(api.GET('/api/v1/conferences'))).items

/** For administrators: which conferences run, and how each is kept apart. */
export function ConferencesPage() {
  const session = useSession()
  if (session.state === 'loading') return <Loading />
  if (session.state === 'ready' && !session.data) return <Redirect to="/signin?next=%2Fconferences" />
  return (
    <Shell>
      <Conferences />
    </Shell>
  )
}

export function Conferences() {
  const t = useText()
  const list = useResource(load)
  return (
    <Page
      width="wide"
      title={t('conferences.title')}
      intro={t('conferences.intro')}
      aside={
        <Button onClick={() => void list.reload()}>
          <RefreshCw aria-hidden="true" className="size-4 shrink-0" />
          {t('conferences.refresh')}
        </Button>
      }
    >
      {list.state === 'loading' && <Loading />}
      {list.state === 'failed' && <Problem trouble={list.trouble} />}
      {list.state === 'ready' && list.data.length === 0 && (
        <p className="rounded-xl border border-line border-dashed p-6 text-quiet">{t('conferences.none')}</p>
      )}
      {list.state === 'ready' && list.data.length > 0 && (
        <ul className="grid gap-3">
          {list.data.map(each => (
            <ConferenceCard key={each.id} conference={each} />
          ))}
        </ul>
      )}
    </Page>
  )
}

function ConferenceCard({ conference }: { readonly conference: LiveConference }) {
  const { t, language } = useI18n()
  const { title, startedAt, people, restarts, isolation } = conference
  const facts = [
    t('conferences.since', { date: formatDateTime(language, startedAt) }),
    people === undefined ? t('conferences.peopleUnknown') : t('conferences.people', { count: people }),
    ...(restarts > 0 ? [t('conferences.restarts', { count: restarts })] : []),
  ]
  return (
    <li className="grid gap-3 rounded-xl border border-line bg-surface p-5">
      <div>
        <h2 className="font-semibold text-lg wrap-anywhere" dir="auto">
          {title}
        </h2>
        <p className="text-quiet">
          {facts.map((fact, index) => (
            <Fragment key={fact}>
              {index > 0 && ' · '}
              <span className="inline-block">{fact}</span>
            </Fragment>
          ))}
        </p>
      </div>
      <IsolationList isolation={isolation} />
    </li>
  )
}

/** All is well in one line that opens; what is missing by name, with what that means. */
function IsolationList({ isolation }: Pick<LiveConference, 'isolation'>) {
  const t = useText()
  const { layers } = isolation
  const missing = layers.filter(each => !each.inForce)
  if (isolation.complete) {
    return (
      <div className="grid gap-2">
        <p className="flex gap-2">
          <CircleCheck aria-hidden="true" className="mt-0.5 size-5 shrink-0 text-good" />
          {t('conferences.complete', { count: layers.length })}
        </p>
        <details className="pl-7">
          <summary className="cursor-pointer py-1 font-semibold">{t('conferences.show')}</summary>
          <ul className="grid list-disc gap-1 pt-1 pl-5">
            {layers.map(each => (
              <li key={each.layer}>{nameOf(t, each.layer)}</li>
            ))}
          </ul>
        </details>
      </div>
    )
  }
  const inForce = layers.filter(each => each.inForce).map(each => nameOf(t, each.layer))
  return (
    <div className="grid gap-2">
      <p className="flex gap-2 font-semibold">
        <ShieldAlert aria-hidden="true" className="mt-0.5 size-5 shrink-0 text-warning" />
        {t('conferences.missing', { count: missing.length, all: layers.length })}
      </p>
      <ul className="grid gap-2 pl-7">
        {missing.map(each => (
          <li key={each.layer}>
            <p>
              <span className="font-semibold">{nameOf(t, each.layer)}</span>
              {': '}
              {t(`layer.${each.layer}.missing` as TextKey)}
            </p>
            <p className="text-quiet text-sm wrap-anywhere">
              {t('conferences.detail')} <span lang="en">{each.detail}</span>
            </p>
          </li>
        ))}
      </ul>
      {inForce.length > 0 && (
        <p className="pl-7 text-quiet text-sm">{t('conferences.inForce', { layers: inForce.join(', ') })}</p>
      )}
    </div>
  )
}

/** A layer that this client does not know yet goes by its own name. */
function nameOf(t: ReturnType<typeof useText>, layer: string): string {
  return t(`layer.${layer}` as TextKey) || layer
}
