import { MicOff, Pin, PinOff, WifiOff } from 'lucide-react'
import type { PlacedTile } from '../../call/layout'
import type { Call } from '../../call/types'
import { useText } from '../../i18n/react'
import { Avatar } from '../../ui/Avatar'
import { classes } from '../../ui/classes'
import { QualityMark } from './QualityMark'
import type { StageTile } from './tiles'
import { VideoView } from './VideoView'

interface TileViewProps {
  readonly call: Call
  readonly tile: StageTile
  readonly rect: PlacedTile['rect']
  readonly fit: PlacedTile['fit']
  readonly pinned: boolean
  readonly onPin: () => void
  readonly onAspect: (key: string, aspect: number) => void
}

/** Below this height in CSS pixels a tile has no room for large marks. */
const smallHeight = 120

/** Below this height a large avatar would touch the name. */
const smallAvatar = 160

/** One person, or one shared screen, at its place on the stage. */
export function TileView({ call, tile, rect, fit, pinned, onPin, onAspect }: TileViewProps) {
  const { participant, source } = tile
  const hasVideo = source === 'screen' || participant.camera
  const speaking = participant.speaking && source === 'camera'
  return (
    <li
      data-participant={participant.id}
      data-source={source}
      data-speaking={speaking}
      style={{ left: rect.x, top: rect.y, width: rect.width, height: rect.height }}
      className={classes(
        'group absolute flex items-center justify-center overflow-hidden rounded-tile bg-surface transition-[left,top,width,height]',
        speaking ? 'outline-3 outline-good' : 'outline-1 -outline-offset-1 outline-line',
      )}
    >
      {hasVideo ? (
        <VideoView
          call={call}
          participant={participant.id}
          source={source}
          fit={fit}
          mirrored={participant.isSelf && source === 'camera'}
          onAspect={aspect => onAspect(tile.key, aspect)}
          className={participant.connected ? undefined : 'opacity-40'}
        />
      ) : (
        <Avatar name={participant.name} className={avatarSize(rect.height)} />
      )}
      {!participant.connected && <Away />}
      <Caption tile={tile} small={rect.height < smallHeight} />
      <PinButton tile={tile} pinned={pinned} small={rect.height < smallHeight} onPin={onPin} />
    </li>
  )
}

function avatarSize(height: number): string {
  if (height < smallAvatar) return 'size-12 text-lg'
  return height < 260 ? 'size-20 text-3xl' : 'size-32 text-5xl'
}

function Away() {
  const t = useText()
  return (
    <p className="absolute inset-x-2 top-1/2 flex -translate-y-1/2 justify-center">
      <span className="flex items-center gap-2 rounded-md bg-surface px-2.5 py-1 text-sm">
        <WifiOff aria-hidden="true" className="size-4 shrink-0 text-warning" />
        {t('tile.away')}
      </span>
    </p>
  )
}

function Caption({ tile, small }: { readonly tile: StageTile; readonly small: boolean }) {
  const t = useText()
  const { participant, source } = tile
  const name = participant.isSelf ? t('tile.self', { name: participant.name }) : participant.name
  return (
    <p
      className={classes(
        'absolute flex items-center gap-1.5 rounded-md bg-surface/90 text-text',
        small
          ? 'bottom-1 left-1 max-w-[calc(100%-0.5rem)] px-1.5 text-xs leading-5'
          : 'bottom-1.5 left-1.5 max-w-[calc(100%-0.75rem)] px-2 py-0.5 text-sm',
      )}
    >
      {source === 'camera' && !participant.microphone && (
        <>
          <MicOff aria-hidden="true" className="size-4 shrink-0 text-danger" />
          <span className="sr-only">{t('tile.muted')}</span>
        </>
      )}
      <span className="truncate" dir="auto">
        {source === 'screen' ? t('tile.screen', { name: participant.name }) : name}
      </span>
      {participant.speaking && source === 'camera' && <span className="sr-only">{t('tile.speaking')}</span>}
      {source === 'camera' && <QualityMark quality={participant.quality} />}
    </p>
  )
}

function PinButton({
  tile,
  pinned,
  small,
  onPin,
}: {
  readonly tile: StageTile
  readonly pinned: boolean
  readonly small: boolean
  readonly onPin: () => void
}) {
  const t = useText()
  const label = t(tile.source === 'screen' ? 'tile.pinScreen' : 'tile.pin', { name: tile.participant.name })
  const Icon = pinned ? PinOff : Pin
  return (
    <button
      type="button"
      data-pin
      aria-label={label}
      aria-pressed={pinned}
      title={pinned ? t('tile.unpin') : label}
      onClick={onPin}
      className={classes(
        'absolute flex items-center justify-center rounded-lg bg-surface/90 text-text transition-opacity hover:bg-raised',
        small ? 'top-1 right-1 size-7' : 'top-1.5 right-1.5 size-9',
        !pinned && 'opacity-70 focus-visible:opacity-100 group-hover:opacity-100',
      )}
    >
      <Icon aria-hidden="true" className={classes(small ? 'size-4' : 'size-5', pinned && 'text-accent')} />
    </button>
  )
}
