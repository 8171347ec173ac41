import { describe, expect, test } from 'vitest'
import {
  fewTiles,
  type Layout,
  type LayoutInput,
  layout,
  maxTilesPerPage,
  minTileHeight,
  minTileWidth,
  qualityFor,
  type Rect,
  speakerOrder,
  type Tile,
} from './layout'

function people(count: number): Tile[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `p${index}`,
    source: 'camera' as const,
    isSelf: index === 0,
  }))
}

const screen: Tile = { key: 'screen', source: 'screen', aspect: 16 / 10 }

function overlap(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

/** What is wrong with a layout, in words: a list, so that thousands of checks cost one expectation. */
function flaws(result: Layout, input: LayoutInput): string[] {
  const found: string[] = []
  const keys = result.tiles.map(tile => tile.key)
  if (new Set(keys).size !== keys.length) found.push('a tile is there twice')
  const inOrder = input.tiles.map(tile => tile.key).filter(key => keys.includes(key))
  if (inOrder.join() !== keys.join()) found.push('the order changed')
  result.tiles.forEach((tile, index) => {
    const { x, y, width, height } = tile.rect
    if (width <= 0 || height <= 0) found.push(`${tile.key} is empty`)
    if (x < 0 || y < 0 || x + width > input.width || y + height > input.height) found.push(`${tile.key} is outside`)
    for (const other of result.tiles.slice(index + 1)) {
      if (overlap(tile.rect, other.rect)) found.push(`${tile.key} overlaps ${other.key}`)
    }
  })
  return found
}

const sizes = [
  [320, 180],
  [320, 480],
  [360, 640],
  [640, 320],
  [768, 1024],
  [1280, 632],
  [1920, 1000],
  [2560, 1340],
  [3840, 2160],
] as const
const counts = [1, 2, 3, 4, 5, 7, 9, 12, 16, 25, 49, 50, 99, 200]

describe.each(sizes)('in %i × %i', (width, height) => {
  for (const mode of ['grid', 'speaker'] as const) {
    for (const withScreen of [false, true]) {
      test(`${mode}${withScreen ? ' with a screen' : ''}: nothing overlaps, leaves the area or gets lost`, () => {
        for (const count of counts) {
          const tiles = withScreen ? [...people(count), screen] : people(count)
          const seen = new Set<string>()
          for (let page = 0, pages = 1; page < pages; page++) {
            const input = { width, height, tiles, mode, page }
            const result = layout(input)
            expect(flaws(result, input)).toEqual([])
            for (const tile of result.tiles) seen.add(tile.key)
            pages = result.pages
          }
          expect(seen.size).toBe(tiles.length)
        }
      })
    }
  }

  test('tiles of the grid keep their least size, their aspect and their number', () => {
    for (const count of counts) {
      const result = layout({ width, height, tiles: people(count), mode: 'grid' })
      expect(result.tiles.length).toBeLessThanOrEqual(maxTilesPerPage)
      for (const { rect } of result.tiles) {
        expect(rect.width).toBeGreaterThanOrEqual(minTileWidth)
        expect(rect.height).toBeGreaterThanOrEqual(minTileHeight)
        expect(rect.width / rect.height).toBeGreaterThan(4 / 3 - 0.05)
        expect(rect.width / rect.height).toBeLessThan(16 / 9 + 0.05)
      }
    }
  })
})

test('random sizes and people stay sound', () => {
  let seed = 20261121
  const random = (limit: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed % limit
  }
  for (let round = 0; round < 400; round++) {
    const tiles = people(1 + random(60)).map(tile => ({ ...tile, aspect: (1 + random(30)) / 10 }))
    if (random(3) === 0) tiles.splice(random(tiles.length), 0, { ...screen, aspect: 1.6, isSelf: random(2) === 0 })
    const input: LayoutInput = {
      width: 160 + random(3700),
      height: 120 + random(2100),
      tiles,
      mode: random(2) ? 'grid' : 'speaker',
      pinned: random(2) ? `p${random(80)}` : undefined,
      speakers: [`p${random(80)}`, `p${random(80)}`],
      page: random(6),
      gap: random(20),
    }
    expect(flaws(layout(input), input)).toEqual([])
  }
})

describe('the stage', () => {
  const base = { width: 1280, height: 640, tiles: people(5) }
  const stageOf = (input: LayoutInput) => layout(input).tiles.find(tile => tile.place === 'stage')?.key
  test.each([
    ['nobody in a grid', { ...base, mode: 'grid' }, undefined],
    ['the pinned one in a grid', { ...base, mode: 'grid', pinned: 'p3' }, 'p3'],
    ['nobody when the pinned one is gone', { ...base, mode: 'grid', pinned: 'gone' }, undefined],
    ['the speaker', { ...base, mode: 'speaker', speakers: ['p2', 'p1'] }, 'p2'],
    ['not oneself', { ...base, mode: 'speaker', speakers: ['p0', 'p4'] }, 'p4'],
    ['the first other one in silence', { ...base, mode: 'speaker' }, 'p1'],
    ['oneself when alone', { ...base, tiles: people(1), mode: 'speaker' }, 'p0'],
    ['a screen', { ...base, tiles: [...base.tiles, screen], mode: 'grid' }, 'screen'],
    [
      'a screen before the speaker',
      { ...base, tiles: [...base.tiles, screen], mode: 'speaker', speakers: ['p2'] },
      'screen',
    ],
    ['the pinned one before a screen', { ...base, tiles: [...base.tiles, screen], mode: 'grid', pinned: 'p1' }, 'p1'],
    [
      "another's screen before one's own",
      { ...base, tiles: [{ ...screen, key: 'own', isSelf: true }, screen], mode: 'grid' },
      'screen',
    ],
    [
      "one's own screen when it is the only one",
      { ...base, tiles: [{ ...screen, key: 'own', isSelf: true }], mode: 'grid' },
      'own',
    ],
  ] as const)('has %s', (_, input, expected) => {
    expect(stageOf(input)).toBe(expected)
  })

  test('takes most of the area', () => {
    const { tiles } = layout({ ...base, mode: 'grid', pinned: 'p3' })
    const stage = tiles.find(tile => tile.place === 'stage')
    expect(stage?.rect.width).toBeGreaterThan(900)
    expect(stage?.quality).toBe('high')
    expect(tiles.filter(tile => tile.place === 'strip').every(tile => tile.quality === 'low')).toBe(true)
  })
})

describe('cropping', () => {
  test.each([
    [fewTiles, 'contain'],
    [fewTiles + 1, 'cover'],
  ] as const)('with %i people the picture is fitted by %s', (count, fit) => {
    const { tiles } = layout({ width: 1280, height: 640, tiles: people(count), mode: 'grid' })
    expect(tiles.every(tile => tile.fit === fit)).toBe(true)
  })

  test('a picture higher than its tile is never cropped', () => {
    const tiles = people(9).map(tile => ({ ...tile, aspect: 9 / 16 }))
    expect(layout({ width: 1280, height: 640, tiles, mode: 'grid' }).tiles.every(tile => tile.fit === 'contain')).toBe(
      true,
    )
  })
})

test('a page beyond the last is the last', () => {
  const input = { width: 320, height: 480, tiles: people(30), mode: 'grid' } as const
  const { pages } = layout(input)
  expect(pages).toBeGreaterThan(1)
  expect(layout({ ...input, page: 99 }).page).toBe(pages - 1)
  expect(layout({ ...input, page: -1 }).page).toBe(0)
})

test('no area and no tiles are an empty page', () => {
  expect(layout({ width: 0, height: 300, tiles: people(3), mode: 'grid' })).toEqual({ tiles: [], page: 0, pages: 1 })
  expect(layout({ width: 300, height: 300, tiles: [], mode: 'grid' })).toEqual({ tiles: [], page: 0, pages: 1 })
})

test.each([
  [0, 'low'],
  [200, 'low'],
  [201, 'medium'],
  [420, 'medium'],
  [421, 'high'],
] as const)('a tile of %i lines needs %s', (height, quality) => {
  expect(qualityFor(height)).toBe(quality)
})

test.each([
  ['silence changes nothing', ['a', 'b'], [], ['a', 'b']],
  ['a new speaker comes first', ['a', 'b'], ['c'], ['c', 'a', 'b']],
  ['who speaks keeps the place', ['a', 'b'], ['c', 'a'], ['a', 'c', 'b']],
  ['an earlier one returns', ['a', 'b', 'c'], ['c'], ['c', 'a', 'b']],
  ['the first of all', [], ['x'], ['x']],
])('speaker order: %s', (_, previous, speaking, expected) => {
  expect(speakerOrder(previous, speaking)).toEqual(expected)
})
