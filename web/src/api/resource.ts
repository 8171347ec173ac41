import { useCallback, useEffect, useState } from 'react'
import type { Trouble } from '../problem/problem'
import { troubleOf } from './client'

/** Something that is fetched from the server. While it is fetched again, the earlier data stays. */
export type Resource<T> =
  | { readonly state: 'loading'; readonly reload: () => Promise<void> }
  | { readonly state: 'failed'; readonly trouble: Trouble; readonly reload: () => Promise<void> }
  | { readonly state: 'ready'; readonly data: T; readonly reload: () => Promise<void> }

type Held<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'failed'; readonly trouble: Trouble }
  | { readonly state: 'ready'; readonly data: T }

/** Fetches with `load`, and again when `load` is another function or `reload` is called; a late answer is dropped. */
export function useResource<T>(load: () => Promise<T>): Resource<T> {
  const [held, setHeld] = useState<Held<T>>({ state: 'loading' })
  const [current] = useState({ round: 0 })
  const reload = useCallback(async () => {
    const round = ++current.round
    let next: Held<T>
    try {
      next = { state: 'ready', data: await load() }
    } catch (caught) {
      next = { state: 'failed', trouble: troubleOf(caught) }
    }
    if (round === current.round) setHeld(next)
  }, [load, current])
  useEffect(() => {
    void reload()
    return () => {
      current.round++
    }
  }, [reload, current])
  return { ...held, reload }
}

/** An act of a person that takes a moment: whether it is under way, and what went wrong last. */
export interface Action {
  readonly busy: boolean
  readonly trouble: Trouble | undefined
  /** Runs the act; true when it succeeded. */
  readonly run: (act: () => Promise<unknown>) => Promise<boolean>
}

export function useAction(): Action {
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<Trouble>()
  const run = useCallback(async (act: () => Promise<unknown>) => {
    setBusy(true)
    setTrouble(undefined)
    try {
      await act()
      return true
    } catch (caught) {
      setTrouble(troubleOf(caught))
      return false
    } finally {
      setBusy(false)
    }
  }, [])
  return { busy, trouble, run }
}
