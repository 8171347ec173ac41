import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useCallback, useMemo, useRef, useState } from 'react'
import { layout, speakerOrder } from '../../call/layout'
import type { Call, Participant } from '../../call/types'
import { useText } from '../../i18n/react'
import { IconButton } from '../../ui/Button'
import { classes } from '../../ui/classes'
import { useRoving } from '../../ui/roving'
import { useSize } from '../../ui/size'
import { ToastPlace, useMostToasts } from '../../ui/Toasts'
import { TileView } from './TileView'
import { fitOf, footOfToasts, layoutTile, speakingKeys, tilesOf, withoutLine, withoutVideo } from './tiles'
import type { ConferenceView } from './view'

interface StageProps {
  readonly call: Call
  readonly participants: readonly Participant[]
  readonly audioOnly: boolean
  /** false while the line of the media is lost */
  readonly live: boolean
  readonly view: ConferenceView
  /** whether the toasts lie over the tiles */
  readonly toasts: boolean
}

/** The people and what they show, placed by the layout function of the call. */
export function Stage({ call, participants: everybody, audioOnly, live, view, toasts }: StageProps) {
  const t = useText()
  const area = useRef<HTMLUListElement>(null)
  const { width, height } = useSize(area)
  const roving = useRoving(area, '[data-pin], [data-full-screen]')
  const [page, setPage] = useState(0)
  const mostToasts = useMostToasts()
  const [aspects, onAspect] = useAspects()
  const participants = useMemo(() => (live ? everybody : withoutLine(everybody)), [live, everybody])
  const speakers = useSpeakers(participants)
  const tiles = useMemo(() => tilesOf(audioOnly ? withoutVideo(participants) : participants), [participants, audioOnly])
  const { mode, pinned } = view
  const placed = useMemo(
    () => layout({ width, height, tiles: tiles.map(tile => layoutTile(tile, aspects)), mode, pinned, speakers, page }),
    [width, height, tiles, aspects, mode, pinned, speakers, page],
  )
  const byKey = new Map(placed.tiles.map(each => [each.key, each]))
  return (
    <section
      id="stage"
      aria-label={t('conference.stage')}
      tabIndex={-1}
      className={classes('relative flex min-h-0 min-w-0 flex-1 flex-col p-2', view.panel && 'max-sm:invisible')}
    >
      <div className="relative flex min-h-0 flex-1">
        <ul
          ref={area}
          {...roving}
          className={classes('relative min-w-0 flex-1', !live && '[&_video]:opacity-40 [&_video]:grayscale')}
        >
          {tiles.map(tile => {
            const place = byKey.get(tile.key)
            if (!place) return null
            const isPinned = pinned === tile.key
            return (
              <TileView
                key={tile.key}
                call={call}
                tile={tile}
                rect={place.rect}
                fit={fitOf(place, aspects.get(tile.key))}
                pinned={isPinned}
                cameraOff={tile.source === 'camera' && !tile.participant.camera && !audioOnly}
                onPin={() => view.pin(isPinned ? undefined : tile.key)}
                onAspect={onAspect}
              />
            )
          })}
        </ul>
        {toasts && <ToastPlace foot={footOfToasts(placed.tiles, height, mostToasts)} />}
      </div>
      {placed.pages > 1 && <Pager page={placed.page} pages={placed.pages} onPage={setPage} />}
    </section>
  )
}

/** The shapes of the videos, learnt when they arrive. */
function useAspects(): [ReadonlyMap<string, number>, (key: string, aspect: number) => void] {
  const [aspects, setAspects] = useState<ReadonlyMap<string, number>>(new Map())
  const onAspect = useCallback((key: string, aspect: number) => {
    setAspects(before => (before.get(key) === aspect ? before : new Map(before).set(key, aspect)))
  }, [])
  return [aspects, onAspect]
}

/** Who is shown large in the speaker layout: the order only changes when it must. */
function useSpeakers(participants: readonly Participant[]): readonly string[] {
  const [order, setOrder] = useState<readonly string[]>([])
  const next = speakerOrder(order, speakingKeys(participants))
  if (next !== order) setOrder(next)
  return next
}

interface PagerProps {
  readonly page: number
  readonly pages: number
  readonly onPage: (page: number) => void
}

function Pager({ page, pages, onPage }: PagerProps) {
  const t = useText()
  return (
    <nav aria-label={t('stage.pages')} className="flex items-center justify-center gap-2 pt-1">
      <IconButton label={t('stage.previous')} disabled={page === 0} onClick={() => onPage(page - 1)}>
        <ChevronLeft aria-hidden="true" className="size-5" />
      </IconButton>
      <span className="text-quiet text-sm tabular-nums">{t('stage.page', { page: page + 1, pages })}</span>
      <IconButton label={t('stage.next')} disabled={page === pages - 1} onClick={() => onPage(page + 1)}>
        <ChevronRight aria-hidden="true" className="size-5" />
      </IconButton>
    </nav>
  )
}
