/** A value that changes as a whole and tells its listeners: the getSnapshot and subscribe of useSyncExternalStore. */
export interface Store<T> {
  readonly get: () => T
  /** Replaces some fields; listeners hear of it only if one of them differs. */
  readonly set: (patch: Partial<T>) => void
  readonly subscribe: (listener: () => void) => () => void
}

export function createStore<T extends object>(initial: T): Store<T> {
  let value = initial
  const listeners = new Set<() => void>()
  return {
    get: () => value,
    set: patch => {
      const changed = (Object.keys(patch) as (keyof T)[]).some(key => !Object.is(patch[key], value[key]))
      if (!changed) return
      value = { ...value, ...patch }
      for (const listener of [...listeners]) listener()
    },
    subscribe: listener => {
      // wrapped, so that one function subscribed twice is two subscriptions
      const entry = () => listener()
      listeners.add(entry)
      return () => {
        listeners.delete(entry)
      }
    },
  }
}

/** Hands each value to every listener once, as it comes. */
export interface Emitter<T> {
  readonly emit: (value: T) => void
  readonly on: (listener: (value: T) => void) => () => void
}

export function createEmitter<T>(): Emitter<T> {
  const listeners = new Set<(value: T) => void>()
  return {
    emit: value => {
      for (const listener of [...listeners]) listener(value)
    },
    on: listener => {
      const entry = (value: T) => listener(value)
      listeners.add(entry)
      return () => {
        listeners.delete(entry)
      }
    },
  }
}
