import { api, dataOf } from './client'
import { type Action, useAction } from './resource'

interface SignOut extends Pick<Action, 'busy' | 'trouble'> {
  /** Signs out; where the identity provider has to be told, the browser goes there, otherwise `andThen` runs. */
  readonly signOut: (andThen: () => Promise<void>) => Promise<void>
}

/** Signing out, here and at the identity provider. */
export function useSignOut(): SignOut {
  const { busy, trouble, run } = useAction()
  const signOut = async (andThen: () => Promise<void>) => {
    let elsewhere: string | undefined
    const ok = await run(async () => {
      elsewhere = (await dataOf(api.DELETE('/api/v1/session'))).address
    })
    if (!ok) return
    if (elsewhere) location.assign(elsewhere)
    else await andThen()
  }
  return { busy, trouble, signOut }
}
