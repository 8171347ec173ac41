import { CircleCheck, CircleX, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import type { AuditEntry } from '../../api/client'
import type { TextKey } from '../../i18n/i18n'
import { useI18n, useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Verification } from './Verification'
import { actorName, ago, categoryName, detailsInWords, exactTime, objectName, sentence, type Users } from './words'

interface EntryCardProps {
  readonly entry: AuditEntry
  readonly users: Users
  /** milliseconds */
  readonly now: number
  readonly onOnly: (about: string) => void
}

/** One entry: what happened in a sentence, and all that it says when it is opened. */
export function EntryCard({ entry, users, now, onOnly }: EntryCardProps) {
  const { t, language } = useI18n()
  const { index, state, at, outcome } = entry
  const told = state === 'whole' || state === 'erased'
  return (
    <li
      data-entry={index}
      className={`grid gap-2 rounded-xl border bg-surface p-5 ${state === 'damaged' ? 'border-2 border-danger' : 'border-line'}`}
    >
      <div className="flex gap-3">
        <Mark entry={entry} />
        <div className="grid min-w-0 gap-1">
          <h2 className="font-semibold wrap-anywhere">
            {told ? sentence(t, entry, users) : t(`audit.state.${state}` as TextKey)}
          </h2>
          <p className="flex flex-wrap gap-x-3 text-quiet text-sm">
            {at && (
              <time dateTime={at}>
                {ago(language, Date.parse(at), now)} · {exactTime(language, at)}
              </time>
            )}
            <span>{t('audit.number', { index })}</span>
            {outcome === 'failure' && <span className="font-semibold text-danger">{t('audit.outcome.failure')}</span>}
          </p>
          {state === 'erased' && <p className="text-quiet text-sm">{t('audit.state.erased')}</p>}
        </div>
      </div>
      <details>
        <summary className="cursor-pointer py-1 font-semibold">
          {t('audit.details')}
          <span className="sr-only">, {t('audit.number', { index })}</span>
        </summary>
        <div className="grid gap-4 pt-2">
          {told && <Told entry={entry} users={users} onOnly={onOnly} />}
          <Verification entry={entry} />
        </div>
      </details>
    </li>
  )
}

function Mark({ entry: { state, outcome } }: Pick<EntryCardProps, 'entry'>) {
  const look = 'mt-0.5 size-5 shrink-0'
  if (state === 'damaged') return <TriangleAlert aria-hidden="true" className={`${look} text-danger`} />
  if (outcome === 'failure') return <CircleX aria-hidden="true" className={`${look} text-danger`} />
  return <CircleCheck aria-hidden="true" className={`${look} ${outcome ? 'text-accent' : 'text-quiet'}`} />
}

function Told({ entry, users, onOnly }: Pick<EntryCardProps, 'entry' | 'users' | 'onOnly'>) {
  const { t, language } = useI18n()
  const { index, at, actorId, actorUser, objectId, outcome, category, reportedBy, id } = entry
  const actor = actorUser || actorId
  return (
    <dl className="grid gap-x-4 gap-y-2 wrap-anywhere sm:grid-cols-[minmax(8rem,auto)_1fr]">
      <Row name={t('audit.actor')}>
        {actorName(t, entry, users)}
        {actor && entry.actorKind !== 'system' && <Only id={actor} name={actorName(t, entry, users)} onOnly={onOnly} />}
      </Row>
      {objectId && (
        <Row name={t('audit.object')}>
          {objectName(t, entry, users)}
          <Only id={objectId} name={objectName(t, entry, users)} onOnly={onOnly} />
        </Row>
      )}
      {detailsInWords(t, language, entry, users).map(([name, value]) => (
        <Row key={name} name={name}>
          {value}
        </Row>
      ))}
      <Row name={t('audit.filter.outcome')}>{t(`audit.outcome.${outcome}` as TextKey)}</Row>
      {at && <Row name={t('audit.time')}>{exactTime(language, at)}</Row>}
      <Row name={t('audit.category')}>{categoryName(t, category ?? '')}</Row>
      {reportedBy && <Row name={t('audit.reportedBy')}>{reportedBy}</Row>}
      <Row name={t('audit.place')}>{index}</Row>
      {id && (
        <Row name={t('audit.id')}>
          <code>{id}</code>
        </Row>
      )}
    </dl>
  )
}

function Row({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="grid items-baseline gap-x-4 sm:col-span-2 sm:grid-cols-subgrid">
      <dt className="text-quiet">{name}</dt>
      <dd className="flex flex-wrap items-center gap-x-3 gap-y-1">{children}</dd>
    </div>
  )
}

function Only({ id, name, onOnly }: { readonly id: string; readonly name: string } & Pick<EntryCardProps, 'onOnly'>) {
  const t = useText()
  return (
    <Button size="small" look="quiet" aria-label={t('audit.onlyOf', { name })} onClick={() => onOnly(id)}>
      <span className="text-accent underline">{t('audit.only')}</span>
    </Button>
  )
}
