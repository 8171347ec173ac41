import { cleanup, fireEvent, screen, waitFor } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import en from '../../i18n/more.en.json'
import { show } from '../../testing/render'
import { fileOf, RecoveryKeyPage } from './RecoveryKeyPage'

const key = 'AGE-SECRET-KEY-1QQPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQCQJH3C'

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

function open() {
  const done = vi.fn(async () => undefined)
  show(<RecoveryKeyPage recoveryKey={key} onDone={done} />)
  return done
}

/** Whether the browser would ask before the page goes away. */
function asks(): boolean {
  const event = new Event('beforeunload', { cancelable: true })
  dispatchEvent(event)
  return event.defaultPrevented
}

const box = () => screen.getByRole('checkbox', { name: en['recovery.stored'] }) as HTMLInputElement
const goOn = () => screen.getByRole('button', { name: en['recovery.goOn'] })

test('the key stands in groups, and is one piece without what separates them', () => {
  open()
  const block = document.querySelector('[data-recovery-key]')
  expect(block?.textContent).toBe(key)
  expect([...(block?.children ?? [])].slice(0, 3).map(each => each.textContent)).toEqual([
    'AGE-SECRET-KEY-1',
    'QQPQ',
    'YQSZ',
  ])
})

test('one goes on only after saying that the key is stored', () => {
  const done = open()
  fireEvent.click(goOn())
  expect(done).not.toHaveBeenCalled()
  expect(screen.getByText(en['recovery.confirmFirst'])).toBeTruthy()
  expect(document.activeElement).toBe(box())
  fireEvent.click(box())
  expect(screen.queryByText(en['recovery.confirmFirst'])).toBeNull()
  fireEvent.click(goOn())
  expect(done).toHaveBeenCalledTimes(1)
})

test('the browser asks before an unconfirmed page is left, and only then', () => {
  open()
  expect(asks()).toBe(true)
  fireEvent.click(box())
  expect(asks()).toBe(false)
  fireEvent.click(box())
  expect(asks()).toBe(true)
  cleanup()
  expect(asks()).toBe(false)
})

test('a refused copy does not repeat the key anywhere', async () => {
  vi.spyOn(navigator.clipboard, 'writeText').mockRejectedValue(new Error('no'))
  open()
  fireEvent.click(screen.getByRole('button', { name: en['recovery.copy'] }))
  await waitFor(() => expect(screen.getAllByText(en['recovery.copyFailed']).length).toBeGreaterThan(0))
  expect(document.body.textContent?.split(key)).toHaveLength(2)
})

test('nothing of the key is kept by the browser or logged', () => {
  const log = vi.spyOn(console, 'log')
  open()
  expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain('SECRET')
  expect(location.href).not.toContain('SECRET')
  expect(log).not.toHaveBeenCalled()
})

test('the file has the key on its first line and says what it is in comments', () => {
  expect(fileOf(key, 'What it is.\nWhere it belongs.')).toBe(`${key}\n# What it is.\n# Where it belongs.\n`)
})
