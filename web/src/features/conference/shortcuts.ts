import { useEffect, useState } from 'react'
import type { Command } from './commands'

const storageKey = 'konklave.shortcuts'

function stored(): boolean {
  try {
    return localStorage.getItem(storageKey) !== 'off'
  } catch {
    return true
  }
}

/** Whether single letters run commands; people whose input sends stray letters can switch them off. */
export function useShortcutsEnabled(): [boolean, (on: boolean) => void] {
  const [enabled, setEnabled] = useState(stored)
  const set = (on: boolean) => {
    setEnabled(on)
    try {
      if (on) localStorage.removeItem(storageKey)
      else localStorage.setItem(storageKey, 'off')
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  }
  return [enabled, set]
}

/** Whether the key belongs to what has the focus: text being typed, a list being searched. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable], [role=menu]') !== null
}

const hasDialog = () => document.querySelector('dialog[open]') !== null

/** Runs the command whose letter is pressed; "?" opens the sheet that lists them. */
export function useShortcuts(commands: readonly Command[], enabled: boolean, onHelp: () => void): void {
  useEffect(() => {
    if (!enabled) return
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return
      if (isTyping(event.target) || hasDialog()) return
      const command = commands.find(each => each.shortcut === event.key.toLowerCase())
      if (!command && event.key !== '?') return
      event.preventDefault()
      if (command) command.run()
      else onHelp()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [commands, enabled, onHelp])
}

/** The parts of the page that F6 goes round. */
const regions = ['stage', 'controls', 'panel']

/** F6 goes to the next part of the page, Shift+F6 to the one before. */
export function useRegionKeys(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== 'F6' || hasDialog()) return
      event.preventDefault()
      const present = regions.flatMap(id => document.getElementById(id) ?? [])
      const current = present.findIndex(region => region.contains(document.activeElement))
      const step = event.shiftKey ? -1 : 1
      const start = current < 0 && event.shiftKey ? 0 : current
      enter(present[(start + step + present.length) % present.length])
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [])
}

function enter(region: HTMLElement | undefined): void {
  const stop = region?.querySelector<HTMLElement>('textarea, [tabindex="0"], button:not([tabindex="-1"])')
  ;(stop ?? region)?.focus()
}
