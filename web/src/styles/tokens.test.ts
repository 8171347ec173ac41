import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const css = readFileSync('src/styles/tokens.css', 'utf8')

type Scheme = 'light' | 'dark'

function colours(scheme: Scheme): ReadonlyMap<string, string> {
  const pairs = css.matchAll(/--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)
  return new Map([...pairs].map(([, name = '', light = '', dark = '']) => [name, scheme === 'light' ? light : dark]))
}

function luminance(hex: string): number {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

function contrast(one: string, other: string): number {
  const [bright = 0, dim = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (bright + 0.05) / (dim + 0.05)
}

const grounds = ['canvas', 'surface', 'raised']

/** Ink, the grounds it is written on, and the least contrast of WCAG 2.2 AA. */
const rules: readonly (readonly [string, readonly string[], number])[] = [
  ['text', [...grounds, 'accent-soft', 'danger-soft', 'warning-soft', 'good-soft'], 4.5],
  ['quiet', [...grounds, 'accent-soft'], 4.5],
  ['accent', [...grounds, 'accent-soft'], 4.5],
  ['danger', [...grounds, 'danger-soft'], 4.5],
  ['warning', [...grounds, 'warning-soft'], 4.5],
  ['good', [...grounds, 'good-soft'], 4.5],
  ['on-accent', ['accent', 'accent-strong'], 4.5],
  ['on-danger-fill', ['danger-fill', 'danger-fill-strong'], 4.5],
  ['control', grounds, 3],
]

test.each(['light', 'dark'] as const)('the %s colours have the contrasts people need', scheme => {
  const palette = colours(scheme)
  for (const [ink, papers, least] of rules) {
    for (const paper of papers) {
      const ratio = contrast(palette.get(ink) ?? '#000000', palette.get(paper) ?? '#000000')
      expect(ratio, `${ink} on ${paper}`).toBeGreaterThanOrEqual(least)
    }
  }
})
