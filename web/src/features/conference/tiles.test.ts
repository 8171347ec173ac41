import { expect, test } from 'vitest'
import { participant } from '../../testing/fakeCall'
import { fitOf, layoutTile, speakingKeys, tilesOf, withoutVideo } from './tiles'

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
