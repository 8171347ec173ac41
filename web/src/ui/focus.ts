import type { KeyboardEvent } from 'react'

type Axis = 'horizontal' | 'vertical'

const steps: Readonly<Record<Axis, Readonly<Record<string, number>>>> = {
  horizontal: { ArrowRight: 1, ArrowLeft: -1 },
  vertical: { ArrowDown: 1, ArrowUp: -1 },
}

/**
 * Moves the focus among the elements that match the selector inside the event's container:
 * arrows go round, Home and End go to the ends. Returns the element that has the focus now.
 */
export function moveFocus(event: KeyboardEvent, selector: string, axis: Axis): HTMLElement | undefined {
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>(selector)].filter(visible)
  const current = items.indexOf(document.activeElement as HTMLElement)
  const target = destination(event.key, axis, current, items.length)
  if (target === undefined) return undefined
  event.preventDefault()
  const item = items[target]
  item?.focus()
  return item
}

function destination(key: string, axis: Axis, current: number, count: number): number | undefined {
  if (count === 0) return undefined
  if (key === 'Home') return 0
  if (key === 'End') return count - 1
  const step = steps[axis][key]
  if (step === undefined) return undefined
  const from = current < 0 && step < 0 ? 0 : current
  return (from + step + count) % count
}

function visible(element: HTMLElement): boolean {
  return element.getClientRects().length > 0
}
