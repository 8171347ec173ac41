import { type KeyboardEvent, type RefObject, useLayoutEffect } from 'react'
import { moveFocus } from './focus'

/**
 * Makes the elements that match the selector one tab stop: arrows, Home and End move inside,
 * and coming back finds the one that was left.
 */
export function useRoving<E extends HTMLElement>(container: RefObject<E | null>, selector: string) {
  // After every render, because the elements may be others.
  useLayoutEffect(() => {
    const items = elements(container.current, selector)
    const current = items.find(item => item.tabIndex === 0) ?? items[0]
    if (current) makeTabStop(items, current)
  })
  return {
    onFocus: () => {
      const items = elements(container.current, selector)
      const current = items.find(item => item === document.activeElement)
      if (current) makeTabStop(items, current)
    },
    onKeyDown: (event: KeyboardEvent) => {
      if (!(event.target instanceof Element) || !event.target.matches(selector)) return
      moveFocus(event, selector, 'horizontal') ?? moveFocus(event, selector, 'vertical')
    },
  }
}

function elements(container: HTMLElement | null, selector: string): readonly HTMLElement[] {
  return [...(container?.querySelectorAll<HTMLElement>(selector) ?? [])]
}

function makeTabStop(items: readonly HTMLElement[], current: HTMLElement): void {
  for (const item of items) item.tabIndex = item === current ? 0 : -1
}
