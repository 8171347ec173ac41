import { Plus, Video } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { api, dataOf, type Meeting, ownMeetings, type User } from '../../api/client'
import { useAction, useResource } from '../../api/resource'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Loading, Page } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { TestLink } from '../connection/TestLink'
import { CreateDialog, DeleteDialog, RenameDialog } from './dialogs'
import { JoinByLink } from './JoinByLink'
import { MeetingCard } from './MeetingCard'

/** From this many meetings on the list can be searched. */
const searchableFrom = 6

type Open =
  | { readonly dialog: 'create' }
  | { readonly dialog: 'rename'; readonly meeting: Meeting }
  | { readonly dialog: 'delete'; readonly meeting: Meeting }

/** One's own meetings, and one click to start a new one. */
export function MeetingsPage({ user }: { readonly user: User }) {
  const t = useText()
  const [, navigate] = useLocation()
  const meetings = useResource(ownMeetings)
  const starting = useAction()
  const [open, setOpen] = useState<Open>()
  const start = () =>
    starting.run(async () => {
      const meeting = await dataOf(api.POST('/api/v1/meetings', { body: {} }))
      navigate(`/join/${meeting.link}`)
    })
  const close = () => setOpen(undefined)
  const changed = async () => {
    await meetings.reload()
    close()
  }
  return (
    <Page width="wide" title={t('start.title')} intro={t('start.greeting', { name: user.name })}>
      <div className="flex flex-wrap gap-3 max-sm:flex-col">
        <Button look="primary" size="large" busy={starting.busy} onClick={() => void start()}>
          <Video aria-hidden="true" className="size-6" />
          {t('start.start')}
        </Button>
        <Button size="large" onClick={() => setOpen({ dialog: 'create' })}>
          <Plus aria-hidden="true" className="size-6" />
          {t('start.create')}
        </Button>
      </div>
      {starting.trouble && <Problem trouble={starting.trouble} />}
      <section aria-labelledby="meetings" className="grid gap-3">
        <h2 id="meetings" className="font-bold text-xl">
          {t('start.meetings')}
        </h2>
        {meetings.state === 'loading' && <Loading />}
        {meetings.state === 'failed' && <Problem trouble={meetings.trouble} />}
        {meetings.state === 'ready' && (
          <MeetingList meetings={meetings.data} onOpen={setOpen} onChanged={meetings.reload} />
        )}
      </section>
      <JoinByLink />
      <TestLink />
      {open?.dialog === 'create' && <CreateDialog onDone={changed} onClose={close} />}
      {open?.dialog === 'rename' && <RenameDialog meeting={open.meeting} onDone={changed} onClose={close} />}
      {open?.dialog === 'delete' && <DeleteDialog meeting={open.meeting} onDone={changed} onClose={close} />}
    </Page>
  )
}

interface MeetingListProps {
  readonly meetings: readonly Meeting[]
  readonly onOpen: (open: Open) => void
  readonly onChanged: () => Promise<void>
}

function MeetingList({ meetings, onOpen, onChanged }: MeetingListProps) {
  const t = useText()
  const [search, setSearch] = useState('')
  const wanted = search.trim().toLocaleLowerCase()
  const shown = meetings.filter(each => each.title.toLocaleLowerCase().includes(wanted))
  if (meetings.length === 0) {
    return <p className="rounded-xl border border-line border-dashed p-6 text-quiet">{t('start.none')}</p>
  }
  return (
    <>
      {meetings.length >= searchableFrom && (
        <TextField
          label={t('start.search')}
          type="search"
          value={search}
          onChange={event => setSearch(event.currentTarget.value)}
        />
      )}
      <ul className="grid gap-3 vast:grid-cols-2">
        {shown.map(meeting => (
          <MeetingCard
            key={meeting.id}
            meeting={meeting}
            onRename={() => onOpen({ dialog: 'rename', meeting })}
            onDelete={() => onOpen({ dialog: 'delete', meeting })}
            onChanged={onChanged}
          />
        ))}
      </ul>
      {shown.length === 0 && <p className="text-quiet">{t('start.notFound')}</p>}
    </>
  )
}
