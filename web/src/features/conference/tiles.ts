import type { PlacedTile, Tile } from '../../call/layout'
import type { Participant, VideoRef } from '../../call/types'

/** What the stage shows of a participant: the camera (or the avatar), or the shared screen. */
export interface StageTile {
  readonly key: string
  readonly participant: Participant
  readonly source: VideoRef['source']
}

export const tileKey = (participant: string, source: VideoRef['source']) => `${participant}:${source}`

/** The tiles in the order of joining; a screen stands before the camera of the person who shares it. */
export function tilesOf(participants: readonly Participant[]): readonly StageTile[] {
  return participants.flatMap(participant => {
    const camera: StageTile = { key: tileKey(participant.id, 'camera'), participant, source: 'camera' }
    if (!participant.screen) return [camera]
    return [{ key: tileKey(participant.id, 'screen'), participant, source: 'screen' as const }, camera]
  })
}

/** What the layout function needs to know of a tile. */
export function layoutTile(tile: StageTile, aspects: ReadonlyMap<string, number>): Tile {
  return { key: tile.key, source: tile.source, isSelf: tile.participant.isSelf, aspect: aspects.get(tile.key) }
}

/** The camera tiles of the others who speak now. */
export function speakingKeys(participants: readonly Participant[]): readonly string[] {
  return participants.filter(each => each.speaking && !each.isSelf).map(each => tileKey(each.id, 'camera'))
}

/** The people as they are shown without video: nobody's camera or screen but one's own. */
export function withoutVideo(participants: readonly Participant[]): readonly Participant[] {
  return participants.map(each => (each.isSelf ? each : { ...each, camera: false, screen: false }))
}

/** The people while the line is lost: who speaks now, and how well they are heard, nobody knows. */
export function withoutLine(participants: readonly Participant[]): readonly Participant[] {
  return participants.map(each => ({ ...each, speaking: false, quality: 'unknown' }))
}

/** A picture whose shape differs from its place by no more than this part fills it: nobody misses the few pixels. */
const closeEnough = 0.02

/** How a picture of that shape, width by height, fills its place; without seams where whole pixels leave one. */
export function fitOf({ rect, fit }: PlacedTile, aspect: number | undefined): PlacedTile['fit'] {
  if (aspect === undefined || rect.height === 0) return fit
  return Math.abs(rect.width / rect.height / aspect - 1) <= closeEnough ? 'cover' : fit
}

/** Between toasts and what they stand on, in pixels. */
const toastGap = 4

/** A toast of one line and the space above it, in pixels. */
const toastRoom = 44

/** The name of a person and the space below it, in pixels; and from which height on a tile has room for a toast above it. */
const captionRoom = 36
const captionedFrom = 160

/**
 * How far above the foot of a stage of that height up to so many toasts stand, in pixels: where the tiles leave no ground
 * free for them, above the names in the lowest row; above a strip of small tiles that runs along the foot, which they would
 * cover. At the foot of a tile nothing takes the focus.
 */
export function footOfToasts(tiles: readonly PlacedTile[], height: number, most: number): number {
  const large = tiles.filter(each => each.place === 'stage')
  const strip = tiles.filter(each => each.place === 'strip')
  const onStrip = strip.length > 0 && strip.every(each => each.rect.y >= footOf(large))
  const ground = onStrip ? Math.min(...strip.map(each => each.rect.y)) : height
  const above = onStrip ? large : tiles
  const lowest = above.filter(({ rect }) => rect.y + rect.height === footOf(above))
  const free = ground - footOf(above)
  const covers = free < toastGap + most * toastRoom && lowest.every(each => each.rect.height >= captionedFrom)
  return toastGap + height - ground + (covers ? free + captionRoom : 0)
}

/** The lower edge of the tiles, in pixels from the top of the stage. */
function footOf(tiles: readonly PlacedTile[]): number {
  return Math.max(0, ...tiles.map(({ rect }) => rect.y + rect.height))
}
