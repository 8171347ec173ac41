import { Mic, MicOff, MonitorUp, Video, VideoOff, WifiOff } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import type { Participant } from '../../call/types'
import { useText } from '../../i18n/react'
import { Avatar } from '../../ui/Avatar'
import { CopyButton } from '../../ui/Copy'
import { TextField } from '../../ui/Field'
import { PanelFrame } from './PanelFrame'

/** From this many people on the list can be searched. */
const searchableFrom = 8

interface PeoplePanelProps {
  readonly participants: readonly Participant[]
  /** The address that others can join by. */
  readonly address: string
  readonly onClose: () => void
}

/** Who is here, and the link for those who are not. */
export function PeoplePanel({ participants, address, onClose }: PeoplePanelProps) {
  const t = useText()
  const [search, setSearch] = useState('')
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => list.current?.focus(), [])
  const wanted = search.trim().toLocaleLowerCase()
  const shown = participants.filter(each => each.name.toLocaleLowerCase().includes(wanted))
  return (
    <PanelFrame title={t('people.title', { count: participants.length })} onClose={onClose}>
      <div className="grid gap-3 border-line border-b p-4">
        <CopyButton text={address} label={t('people.copyLink')} />
        {participants.length >= searchableFrom && (
          <TextField
            label={t('people.search')}
            type="search"
            value={search}
            onChange={event => setSearch(event.currentTarget.value)}
          />
        )}
      </div>
      <ul
        ref={list}
        tabIndex={0}
        aria-label={t('control.people')}
        className="min-h-0 flex-1 overflow-y-auto p-2 -outline-offset-3"
      >
        {shown.map(each => (
          <Person key={each.id} participant={each} />
        ))}
        {shown.length === 0 && <li className="px-2 py-4 text-center text-quiet">{t('people.none')}</li>}
      </ul>
    </PanelFrame>
  )
}

function Person({ participant }: { readonly participant: Participant }) {
  const t = useText()
  const marks = [
    participant.role === 'host' && t('people.host'),
    participant.kind === 'guest' && t('people.guest'),
    !participant.connected && t('tile.away'),
  ].filter(Boolean)
  return (
    <li className="flex min-h-12 items-center gap-3 rounded-lg px-2 py-1">
      <Avatar name={participant.name} className="size-9 text-sm" />
      <div className="min-w-0 flex-1">
        <p className="wrap-anywhere" dir="auto">
          {participant.isSelf ? t('tile.self', { name: participant.name }) : participant.name}
        </p>
        {marks.length > 0 && <p className="text-quiet text-sm">{marks.join(' · ')}</p>}
      </div>
      <Marks participant={participant} />
    </li>
  )
}

function Marks({ participant }: { readonly participant: Participant }) {
  const t = useText()
  const Microphone = participant.microphone ? Mic : MicOff
  const Camera = participant.camera ? Video : VideoOff
  return (
    <div className="flex shrink-0 items-center gap-2 text-quiet">
      {!participant.connected && <WifiOff aria-hidden="true" className="size-5 text-warning" />}
      {participant.screen && (
        <span title={t('people.sharing')}>
          <MonitorUp aria-hidden="true" className="size-5 text-accent" />
          <span className="sr-only">{t('people.sharing')}</span>
        </span>
      )}
      <span title={t(participant.microphone ? 'tile.unmuted' : 'tile.muted')}>
        <Microphone aria-hidden="true" className={participant.microphone ? 'size-5' : 'size-5 text-danger'} />
        <span className="sr-only">{t(participant.microphone ? 'tile.unmuted' : 'tile.muted')}</span>
      </span>
      <span title={t(participant.camera ? 'people.cameraOn' : 'people.cameraOff')}>
        <Camera aria-hidden="true" className="size-5" />
        <span className="sr-only">{t(participant.camera ? 'people.cameraOn' : 'people.cameraOff')}</span>
      </span>
    </div>
  )
}
