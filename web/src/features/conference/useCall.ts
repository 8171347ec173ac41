import { useSyncExternalStore } from 'react'
import type { Call, CallSnapshot } from '../../call/types'

/** The state of the call; the component renders again when it changes. */
export function useCall(call: Call): CallSnapshot {
  return useSyncExternalStore(
    listener => call.subscribe(listener),
    () => call.getSnapshot(),
  )
}
