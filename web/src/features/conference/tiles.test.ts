import { expect, test } from 'vitest'
import { participant } from '../../testing/fakeCall'
import { fitOf, footOfToasts, layoutTile, speakingKeys, tilesOf, withoutVideo } from './tiles'

test('everyone has a tile in the order of joining; a screen stands before its owner', () => {
  const people = [participant('anna'), participant('ben', { screen: true })]
  expect(tilesOf(people).map(tile => tile.key)).toEqual(['anna:camera', 'ben:screen', 'ben:camera'])
})

test('one’s own voice moves nobody to the front', () => {
  const people = [participant('anna', { speaking: true, isSelf: true }), participant('ben', { speaking: true })]
  expect(speakingKeys(people)).toEqual(['ben:camera'])
})

test('a tile knows the shape of its video once that has arrived', () => {
  const [tile] = tilesOf([participant('anna', { isSelf: true })])
  if (!tile) throw new Error('no tile')
  expect(layoutTile(tile, new Map())).toEqual({ key: 'anna:camera', source: 'camera', isSelf: true, aspect: undefined })
  expect(layoutTile(tile, new Map([['anna:camera', 0.75]])).aspect).toBe(0.75)
})

test('without video only one’s own camera and screen are left', () => {
  const people = [
    participant('anna', { isSelf: true, camera: true }),
    participant('ben', { camera: true, screen: true }),
  ]
  const shown = withoutVideo(people)
  expect(shown.map(each => each.camera)).toEqual([true, false])
  expect(tilesOf(shown).map(tile => tile.key)).toEqual(['anna:camera', 'ben:camera'])
})

test.each([
  [16 / 9, 'cover'],
  [(16 / 9) * 1.019, 'cover'],
  [(16 / 9) * 1.021, 'contain'],
  [4 / 3, 'contain'],
  [undefined, 'contain'],
] as const)('a picture of shape %d in a place of 16:9: %s', (aspect, fit) => {
  const rect = { x: 0, y: 0, width: 1600, height: 900 }
  expect(fitOf({ key: 'a', rect, place: 'grid', quality: 'high', fit: 'contain' }, aspect)).toBe(fit)
})

const placed = (place: 'grid' | 'stage' | 'strip', y: number, height: number) => {
  const rect = { x: 0, y, width: 100, height }
  return { key: `${place} ${y}`, rect, place, quality: 'low', fit: 'cover' } as const
}

test.each([
  ['nobody', [], 4],
  ['a grid', [placed('grid', 0, 200), placed('grid', 300, 200)], 40],
  ['a grid of the lowest tiles that leave room above the name', [placed('grid', 340, 160)], 40],
  ['a grid of lower tiles', [placed('grid', 341, 159)], 4],
  ['a grid that leaves too little ground', [placed('grid', 0, 453)], 87],
  ['a grid that leaves ground for a toast', [placed('grid', 0, 452)], 4],
  ['one large tile', [placed('stage', 100, 300)], 4],
  ['a strip along the foot', [placed('stage', 0, 300), placed('strip', 420, 80), placed('strip', 420, 80)], 84],
  ['a strip that begins where the large tile ends', [placed('stage', 0, 420), placed('strip', 420, 80)], 120],
  ['a strip at the side', [placed('stage', 100, 300), placed('strip', 10, 80), placed('strip', 420, 80)], 4],
] as const)('toasts stand on free ground, above the names, or on the strip: %s', (_, tiles, foot) => {
  expect(footOfToasts(tiles, 500, 1)).toBe(foot)
})

test.each([
  [2, 4],
  [3, 148],
])('of several toasts all need ground: %d', (most, foot) => {
  expect(footOfToasts([placed('grid', 0, 392)], 500, most)).toBe(foot)
})
