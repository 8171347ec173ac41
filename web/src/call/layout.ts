/**
 * Where the tiles of a conference go: pure functions from a size, people and a choice to rectangles.
 *
 * Rules: tiles keep the order they are given in, so that faces do not jump; a pinned tile, else a screen share,
 * has the stage; tiles never overlap and never leave the area; a picture is cropped at its sides only,
 * and not at all while few are shown; what does not fit goes to further pages.
 */

export interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export type LayoutMode = 'grid' | 'speaker'

/** One picture (or avatar) to place. */
export interface Tile {
  /** unique among the tiles of a layout */
  readonly key: string
  readonly source: 'camera' | 'screen'
  readonly isSelf?: boolean | undefined
  /** width / height of the video when known; 16:9 otherwise */
  readonly aspect?: number | undefined
}

export interface LayoutInput {
  /** size of the area in CSS pixels */
  readonly width: number
  readonly height: number
  readonly tiles: readonly Tile[]
  readonly mode: LayoutMode
  /** key of the pinned tile */
  readonly pinned?: string | undefined
  /** keys of camera tiles, the one to show large first (see speakerOrder) */
  readonly speakers?: readonly string[]
  /** counted from 0; too large means the last one */
  readonly page?: number
  /** space between tiles in CSS pixels, 8 by default */
  readonly gap?: number
}

/** The simulcast layer that is enough for a tile. */
export type VideoQuality = 'low' | 'medium' | 'high'

export interface PlacedTile {
  readonly key: string
  readonly rect: Rect
  readonly place: 'stage' | 'strip' | 'grid'
  readonly quality: VideoQuality
  /** for CSS object-fit */
  readonly fit: 'contain' | 'cover'
}

export interface Layout {
  /** in the order of the input; tiles of other pages are absent */
  readonly tiles: readonly PlacedTile[]
  readonly page: number
  /** at least 1 */
  readonly pages: number
}

export const minTileWidth = 140
export const minTileHeight = 79
/** More pictures on one page than this help nobody and cost decoding. */
export const maxTilesPerPage = 49
/** Up to so many tiles nothing is cropped. */
export const fewTiles = 4
const wide = 16 / 9
const narrow = 4 / 3
const defaultGap = 8
/** heights in CSS pixels up to which the 180 and the 360 line layer are enough */
const lowHeight = 200
const mediumHeight = 420

/** Computes the layout of one page. */
export function layout(input: LayoutInput): Layout {
  const width = Math.max(0, Math.floor(input.width))
  const height = Math.max(0, Math.floor(input.height))
  const gap = input.gap ?? defaultGap
  if (input.tiles.length === 0 || width === 0 || height === 0) return { tiles: [], page: 0, pages: 1 }
  const area = { x: 0, y: 0, width, height }
  const stage = onStage(input)
  if (!stage) return paged(area, input.tiles, gap, input.page ?? 0)
  const others = input.tiles.filter(tile => tile !== stage)
  if (others.length === 0) return { tiles: [placeOnStage(stage, area)], page: 0, pages: 1 }
  const { main, strip, capacity, vertical, cell } = divide(area, others.length, gap)
  const { page, pages } = pageOf(others.length, capacity, input.page ?? 0)
  const shown = others.slice(page * capacity, (page + 1) * capacity)
  const placed = new Map<string, PlacedTile>([[stage.key, placeOnStage(stage, main)]])
  shown.forEach((tile, index) => {
    placed.set(tile.key, placeInStrip(tile, index, shown.length, strip, cell, vertical, gap))
  })
  return { tiles: inOrder(input.tiles, placed), page, pages }
}

/** The tile that has the stage, if one has it: the pinned one, else a screen share, else in speaker mode the speaker. */
function onStage(input: LayoutInput): Tile | undefined {
  const byKey = (key: string | undefined) => input.tiles.find(tile => tile.key === key)
  const chosen = byKey(input.pinned) ?? input.tiles.find(tile => tile.source === 'screen' && !tile.isSelf)
  if (chosen) return chosen
  const ownScreen = input.tiles.find(tile => tile.source === 'screen')
  if (ownScreen) return ownScreen
  if (input.mode !== 'speaker') return undefined
  for (const key of input.speakers ?? []) {
    const tile = byKey(key)
    if (tile && !tile.isSelf) return tile
  }
  return input.tiles.find(tile => !tile.isSelf) ?? input.tiles[0]
}

/**
 * Who is to be shown large, most recent first: the one who has the place keeps it while speaking,
 * so that the picture does not flicker between two people who speak at once.
 */
export function speakerOrder(previous: readonly string[], speaking: readonly string[]): readonly string[] {
  const current = previous[0]
  const fresh = speaking.filter(key => key !== current)
  const keeps = current !== undefined && speaking.includes(current)
  const rest = previous.filter(key => key !== current && !fresh.includes(key))
  const head = current === undefined ? [] : [current]
  const next = keeps || fresh.length === 0 ? [...head, ...fresh, ...rest] : [...fresh, ...head, ...rest]
  const same = next.length === previous.length && next.every((key, index) => key === previous[index])
  return same ? previous : next
}

/** The layer that is enough for a tile of this height in CSS pixels. */
export function qualityFor(height: number): VideoQuality {
  if (height <= lowHeight) return 'low'
  return height <= mediumHeight ? 'medium' : 'high'
}

interface Grid {
  readonly columns: number
  readonly rows: number
  readonly width: number
  readonly height: number
}

/** The arrangement of count equal tiles between an aspect and 16:9 that makes them largest. */
export function bestGrid(width: number, height: number, count: number, gap: number, least = narrow): Grid {
  let best: Grid = { columns: 1, rows: count, width: 0, height: 0 }
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns)
    const cell = fitted((width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows, least, wide)
    if (cell.width * cell.height > best.width * best.height) best = { columns, rows, ...cell }
  }
  return best
}

/** The largest whole-pixel size within width × height whose aspect lies between the two. */
function fitted(width: number, height: number, least: number, most: number): { width: number; height: number } {
  if (width <= 0 || height <= 0) return { width: 0, height: 0 }
  return {
    width: Math.floor(Math.min(width, height * most)),
    height: Math.floor(Math.min(height, width / least)),
  }
}

function fits(grid: Grid): boolean {
  return grid.width >= minTileWidth && grid.height >= minTileHeight
}

function paged(area: Rect, tiles: readonly Tile[], gap: number, wanted: number): Layout {
  const least = leastAspect(tiles)
  let capacity = Math.min(tiles.length, maxTilesPerPage)
  let grid = bestGrid(area.width, area.height, capacity, gap, least)
  while (capacity > 1 && !fits(grid)) {
    capacity--
    grid = bestGrid(area.width, area.height, capacity, gap, least)
  }
  if (tiles.length > capacity) capacity = Math.max(capacity, Math.min(maxTilesPerPage, grid.columns * grid.rows))
  const { page, pages } = pageOf(tiles.length, capacity, wanted)
  const shown = tiles.slice(page * capacity, (page + 1) * capacity)
  const placed = shown.map((tile, index) => placeInGrid(tile, index, shown.length, area, grid, gap, pages))
  return { tiles: placed, page, pages }
}

/** Few tiles show whole pictures, so they are no narrower than those; many are filled, and may be as narrow as 4:3. */
function leastAspect(tiles: readonly Tile[]): number {
  if (tiles.length > fewTiles) return narrow
  const narrowest = Math.min(...tiles.map(tile => tile.aspect ?? wide))
  return Math.min(Math.max(narrowest, narrow), wide)
}

function pageOf(count: number, capacity: number, wanted: number): { page: number; pages: number } {
  const pages = Math.max(1, Math.ceil(count / capacity))
  return { page: Math.min(Math.max(0, Math.floor(wanted)), pages - 1), pages }
}

function placeInGrid(
  tile: Tile,
  index: number,
  count: number,
  area: Rect,
  grid: Grid,
  gap: number,
  pages: number,
): PlacedTile {
  const rows = Math.ceil(count / grid.columns)
  const row = Math.floor(index / grid.columns)
  const inRow = Math.min(grid.columns, count - row * grid.columns)
  const rowWidth = inRow * grid.width + (inRow - 1) * gap
  const blockHeight = rows * grid.height + (rows - 1) * gap
  const rect = {
    x: Math.floor((area.width - rowWidth) / 2) + (index % grid.columns) * (grid.width + gap),
    y: Math.floor((area.height - blockHeight) / 2) + row * (grid.height + gap),
    width: grid.width,
    height: grid.height,
  }
  const few = count <= fewTiles && pages === 1
  return { key: tile.key, rect, place: 'grid', quality: qualityFor(rect.height), fit: fitOf(tile, rect, few) }
}

/** Covering is allowed only where it cuts the sides: a picture narrower than its tile would lose heads. */
function fitOf(tile: Tile, rect: Rect, few: boolean): 'contain' | 'cover' {
  if (few || tile.source === 'screen') return 'contain'
  const aspect = tile.aspect ?? wide
  return aspect * rect.height >= rect.width - 1 ? 'cover' : 'contain'
}

interface Division {
  readonly main: Rect
  readonly strip: Rect
  readonly vertical: boolean
  readonly cell: { readonly width: number; readonly height: number }
  readonly capacity: number
}

/** Divides the area into the stage and a strip for the others: at the right when wide, below when narrow. */
function divide(area: Rect, others: number, gap: number): Division {
  const vertical = area.width >= 640 && area.width > area.height * 1.2
  const wanted = vertical ? area.width * 0.2 : Math.min(area.width * 0.4, (area.height / 4) * wide)
  const limit = vertical ? area.width / 2 - gap : Math.min(area.width, (area.height / 2 - gap) * wide)
  const width = Math.max(1, Math.floor(Math.min(Math.max(wanted, minTileWidth), 320, limit)))
  const cell = { width, height: Math.max(1, Math.floor(Math.min(width / wide, area.height))) }
  const room = vertical ? area.height : area.width
  const each = vertical ? cell.height : cell.width
  const capacity = Math.max(1, Math.min(others, Math.floor((room + gap) / (each + gap))))
  if (vertical) {
    const mainWidth = area.width - cell.width - gap
    return {
      main: { ...area, width: mainWidth },
      strip: { x: mainWidth + gap, y: 0, width: cell.width, height: area.height },
      vertical,
      cell,
      capacity,
    }
  }
  const mainHeight = Math.max(1, area.height - cell.height - gap)
  return {
    main: { ...area, height: mainHeight },
    strip: { x: 0, y: area.height - cell.height, width: area.width, height: cell.height },
    vertical,
    cell,
    capacity,
  }
}

function placeOnStage(tile: Tile, area: Rect): PlacedTile {
  let rect = area
  if (tile.source === 'camera') {
    const aspect = Math.min(Math.max(tile.aspect ?? wide, 9 / 16), 21 / 9)
    const size = fitted(area.width, area.height, aspect, aspect)
    rect = {
      x: area.x + Math.floor((area.width - size.width) / 2),
      y: area.y + Math.floor((area.height - size.height) / 2),
      ...size,
    }
  }
  return { key: tile.key, rect, place: 'stage', quality: qualityFor(rect.height), fit: 'contain' }
}

function placeInStrip(
  tile: Tile,
  index: number,
  count: number,
  strip: Rect,
  cell: { readonly width: number; readonly height: number },
  vertical: boolean,
  gap: number,
): PlacedTile {
  const each = vertical ? cell.height : cell.width
  const used = count * each + (count - 1) * gap
  const start = Math.max(0, Math.floor(((vertical ? strip.height : strip.width) - used) / 2))
  const offset = start + index * (each + gap)
  const rect = vertical ? { x: strip.x, y: strip.y + offset, ...cell } : { x: strip.x + offset, y: strip.y, ...cell }
  return { key: tile.key, rect, place: 'strip', quality: qualityFor(rect.height), fit: fitOf(tile, rect, false) }
}

function inOrder(tiles: readonly Tile[], placed: ReadonlyMap<string, PlacedTile>): readonly PlacedTile[] {
  return tiles.flatMap(tile => placed.get(tile.key) ?? [])
}
