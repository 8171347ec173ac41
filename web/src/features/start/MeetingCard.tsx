import { EllipsisVertical, Pencil, Trash2 } from 'lucide-react'
import { Link } from 'wouter'
import { api, dataOf, type Meeting } from '../../api/client'
import { useAction } from '../../api/resource'
import { formatDateTime } from '../../i18n/format'
import { useI18n } from '../../i18n/react'
import { ButtonLink, IconButton } from '../../ui/Button'
import { CopyButton } from '../../ui/Copy'
import { SwitchField } from '../../ui/Field'
import { Menu } from '../../ui/Menu'
import { Problem } from '../../ui/Problem'

interface MeetingCardProps {
  readonly meeting: Meeting
  readonly onRename: () => void
  readonly onDelete: () => void
  readonly onChanged: () => Promise<void>
}

/** One meeting: open it, hand out its link, say whether guests may come. */
export function MeetingCard({ meeting, onRename, onDelete, onChanged }: MeetingCardProps) {
  const { t, language } = useI18n()
  const changing = useAction()
  const address = `/join/${meeting.link}`
  const allowGuests = (guestsAllowed: boolean) =>
    changing.run(async () => {
      const params = { path: { id: meeting.id } }
      await dataOf(api.PATCH('/api/v1/meetings/{id}', { params, body: { guestsAllowed } }))
      await onChanged()
    })
  return (
    <li className="grid gap-3 rounded-xl border border-line bg-surface p-4 sm:pl-5">
      <div className="flex items-start gap-3">
        <div className="min-w-0 flex-1">
          <h3 className="font-semibold text-lg wrap-anywhere">
            <Link href={address} className="hover:underline" dir="auto">
              {meeting.title}
            </Link>
          </h3>
          <p className="flex flex-wrap items-center gap-x-2 text-quiet text-sm">
            {meeting.running && (
              <span className="inline-flex items-center gap-1.5 font-semibold text-good">
                <span aria-hidden="true" className="size-2 rounded-full bg-good" />
                {t('start.running')}
              </span>
            )}
            {t('start.createdAt', { date: formatDateTime(language, meeting.createdAt) })}
          </p>
        </div>
        <Menu
          label={t('start.more', { title: meeting.title })}
          entries={[
            {
              key: 'rename',
              label: t('start.rename'),
              icon: <Pencil aria-hidden="true" className="size-5 shrink-0" />,
              run: onRename,
            },
            {
              key: 'delete',
              label: t('start.delete'),
              icon: <Trash2 aria-hidden="true" className="size-5 shrink-0" />,
              danger: true,
              run: onDelete,
            },
          ]}
          trigger={props => (
            <IconButton {...props} label={t('start.more', { title: meeting.title })}>
              <EllipsisVertical aria-hidden="true" className="size-5" />
            </IconButton>
          )}
        />
      </div>
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
        <SwitchField
          label={t('start.guests')}
          checked={meeting.guestsAllowed}
          disabled={changing.busy}
          onChange={event => void allowGuests(event.currentTarget.checked)}
        />
        <div className="flex flex-wrap gap-2 max-[24rem]:grid max-[24rem]:w-full">
          <CopyButton text={`${location.origin}${address}`} label={t('start.copyLink')} />
          <ButtonLink href={address} label={t('start.goToTitle', { title: meeting.title })}>
            {t('start.goTo')}
          </ButtonLink>
        </div>
      </div>
      {changing.trouble && <Problem trouble={changing.trouble} />}
    </li>
  )
}
