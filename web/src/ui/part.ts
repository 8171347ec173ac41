import { type ComponentType, lazy } from 'react'
import { fetchPart } from '../problem/part'

/** A component that is fetched when it is shown for the first time, twice if need be. */
export function lazyPart<P>(load: () => Promise<ComponentType<P>>) {
  return lazy(() => fetchPart(async () => ({ default: await load() })))
}
