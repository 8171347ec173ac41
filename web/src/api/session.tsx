import { createContext, type ReactNode, useContext } from 'react'
import { api, dataOf, type User } from './client'
import { type Resource, useResource } from './resource'

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
