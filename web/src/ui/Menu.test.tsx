import { cleanup, fireEvent, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { show } from '../testing/render'
import { Menu } from './Menu'

beforeEach(() => {
  // The test environment lays nothing out; what is there counts as visible.
  vi.spyOn(Element.prototype, 'getClientRects').mockReturnValue([new DOMRect()] as unknown as DOMRectList)
  const entries = ['Rename', 'Copy', 'Delete'].map(label => ({ key: label, label, run: vi.fn() }))
  show(<Menu label="More" entries={entries} trigger={props => <button {...props}>Open</button>} />)
})

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

const focused = () => document.activeElement?.textContent
const press = (key: string) => fireEvent.keyDown(document.activeElement ?? document.body, { key })

test('opened by the keyboard, the first entry has the focus', () => {
  fireEvent.click(screen.getByText('Open'), { detail: 0 })
  expect(focused()).toBe('Rename')
  press('ArrowUp')
  expect(focused()).toBe('Delete')
})

test.each([
  ['ArrowDown', 'Rename'],
  ['ArrowUp', 'Delete'],
])('opened by a pointer, no entry has the focus until %s', (key, label) => {
  fireEvent.click(screen.getByText('Open'), { detail: 1 })
  expect(document.activeElement?.getAttribute('role')).toBe('menu')
  press(key)
  expect(focused()).toBe(label)
})

test('Escape closes it and gives the focus back', () => {
  fireEvent.click(screen.getByText('Open'), { detail: 1 })
  press('Escape')
  expect(screen.queryByRole('menu')).toBeNull()
  expect(focused()).toBe('Open')
})
