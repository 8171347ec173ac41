import { createContext, type ReactNode, useContext, useEffect } from 'react'
import { api, dataOf, type User } from './client'
import { type Resource, useResource } from './resource'

/** The refusal of somebody whose session is good, from a network that is not open to the account. */
export const networkDenied = 'network.denied'

async function loadUser(): Promise<User | undefined> {
  return (await dataOf(api.GET('/api/v1/session'))).user
}

const Context = createContext<Resource<User | undefined> | undefined>(undefined)

/** Fetches once who is signed in and tells everything below. */
export function SessionProvider({ children }: { readonly children: ReactNode }) {
  return <Context value={useResource(loadUser)}>{children}</Context>
}

/** Who is signed in; ready without data means nobody is. */
export function useSession(): Resource<User | undefined> {
  const session = useContext(Context)
  if (!session) throw new Error('the session is used outside of SessionProvider')
  return session
}

/** Asks once more who is signed in, when something else has shown that the answer is another one now. */
export function useChangedSession(changed: boolean): void {
  const { reload } = useSession()
  useEffect(() => {
    if (changed) void reload()
  }, [changed, reload])
}
