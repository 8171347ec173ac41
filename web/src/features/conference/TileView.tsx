import { Maximize, MicOff, Minimize, Pin, VideoOff, WifiOff } from 'lucide-react'
import { type RefObject, useRef, useSyncExternalStore } from 'react'
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
  /** The person's camera is off, rather than not shown. */
  readonly cameraOff: boolean
  readonly onPin: () => void
  readonly onAspect: (key: string, aspect: number) => void
}

/** Below this height in CSS pixels a tile has no room for large marks. */
const smallHeight = 120

/** Below these heights an avatar would touch the name, and has to be smaller and above the middle. */
const smallAvatar = 160
const lowAvatar = 100

/** One person, or one shared screen, at its place on the stage. */
export function TileView({ call, tile, rect, fit, pinned, cameraOff, onPin, onAspect }: TileViewProps) {
  const element = useRef<HTMLLIElement>(null)
  const { participant, source } = tile
  const hasVideo = source === 'screen' || participant.camera
  const small = rect.height < smallHeight
  const speaking = participant.speaking && source === 'camera'
  return (
    <li
      ref={element}
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
      <Caption tile={tile} cameraOff={cameraOff} small={small} />
      <div className={classes('absolute flex gap-1.5', small ? 'top-1 right-1' : 'top-1.5 right-1.5')}>
        {source === 'screen' && document.fullscreenEnabled && <FullScreenButton element={element} small={small} />}
        <PinButton tile={tile} pinned={pinned} small={small} onPin={onPin} />
      </div>
    </li>
  )
}

function avatarSize(height: number): string {
  if (height < lowAvatar) return 'mb-5 size-8 text-sm'
  if (height < smallAvatar) return 'mb-6 size-12 text-lg'
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

interface CaptionProps {
  readonly tile: StageTile
  readonly cameraOff: boolean
  readonly small: boolean
}

function Caption({ tile, cameraOff, small }: CaptionProps) {
  const t = useText()
  const { participant, source } = tile
  return (
    <p
      data-caption
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
      {cameraOff && (
        <>
          <VideoOff aria-hidden="true" className="size-4 shrink-0 text-quiet" />
          <span className="sr-only">{t('tile.cameraOff')}</span>
        </>
      )}
      <span className="truncate" dir="auto">
        {source === 'screen' ? t('tile.screen', { name: participant.name }) : participant.name}
      </span>
      {participant.isSelf && source === 'camera' && <span className="shrink-0">{t('tile.you')}</span>}
      {participant.speaking && source === 'camera' && <span className="sr-only">{t('tile.speaking')}</span>}
      {source === 'camera' && <QualityMark quality={participant.quality} />}
    </p>
  )
}

/** How the buttons on a tile look: quiet until one is looked for, filled while they are in force. */
function tileButton(small: boolean, pressed: boolean): string {
  return classes(
    'flex items-center justify-center rounded-lg border transition-opacity',
    small ? 'size-7' : 'size-9',
    pressed
      ? 'border-transparent bg-accent text-on-accent hover:bg-accent-strong'
      : 'border-control bg-surface/90 text-text opacity-80 hover:bg-raised focus-visible:opacity-100 group-hover:opacity-100',
  )
}

interface PinButtonProps {
  readonly tile: StageTile
  readonly pinned: boolean
  readonly small: boolean
  readonly onPin: () => void
}

function PinButton({ tile, pinned, small, onPin }: PinButtonProps) {
  const t = useText()
  const label = t(tile.source === 'screen' ? 'tile.pinScreen' : 'tile.pin', { name: tile.participant.name })
  return (
    <button
      type="button"
      data-pin
      aria-label={label}
      aria-pressed={pinned}
      title={pinned ? t('tile.unpin') : label}
      onClick={onPin}
      className={tileButton(small, pinned)}
    >
      <Pin aria-hidden="true" fill={pinned ? 'currentColor' : 'none'} className={small ? 'size-4' : 'size-5'} />
    </button>
  )
}

interface FullScreenButtonProps {
  readonly element: RefObject<HTMLElement | null>
  readonly small: boolean
}

/** Shows the tile on the whole screen and back; Escape goes back too. */
function FullScreenButton({ element, small }: FullScreenButtonProps) {
  const t = useText()
  const full = useSyncExternalStore(onFullScreen, () => document.fullscreenElement !== null)
  const Icon = full ? Minimize : Maximize
  const toggle = () => (full ? document.exitFullscreen() : enterFullScreen(element.current))
  return (
    <button
      type="button"
      data-full-screen
      aria-label={t('tile.fullScreen')}
      aria-pressed={full}
      title={t('tile.fullScreen')}
      onClick={() => void toggle().catch(() => undefined)}
      className={tileButton(small, full)}
    >
      <Icon aria-hidden="true" className={small ? 'size-4' : 'size-5'} />
    </button>
  )
}

/** Fills the screen; a phone turns the picture, since most shared screens are wider than high. */
async function enterFullScreen(element: HTMLElement | null): Promise<void> {
  await element?.requestFullscreen()
  const orientation = screen.orientation as ScreenOrientation & { lock?: (to: 'landscape') => Promise<void> }
  await orientation.lock?.('landscape')
}

function onFullScreen(listener: () => void): () => void {
  document.addEventListener('fullscreenchange', listener)
  return () => document.removeEventListener('fullscreenchange', listener)
}
