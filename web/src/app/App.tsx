import { Suspense } from 'react'
import { Route, Switch, useLocation } from 'wouter'
import { SessionProvider } from '../api/session'
import { Loading } from '../ui/Page'
import { lazyPart } from '../ui/part'
import { ToastProvider } from '../ui/Toasts'
import { Boundary } from './Boundary'
import { BrokenPage } from './Broken'
import { ProofGate } from './ProofGate'

const StartPage = lazyPart(async () => (await import('../features/start/StartPage')).StartPage)
const SignInPage = lazyPart(async () => (await import('../features/entry/SignInPage')).SignInPage)
const JoinRoute = lazyPart(async () => (await import('../features/join/JoinRoute')).JoinRoute)
const OtherPages = lazyPart(async () => (await import('./OtherPages')).OtherPages)

/** The pages of the client by their address; each is fetched when it is needed, and the list of those that few people see too. */
export function App() {
  const [path] = useLocation()
  return (
    <ToastProvider>
      <SessionProvider>
        <Boundary key={path} fallback={caught => <BrokenPage caught={caught} />}>
          <Suspense fallback={<Loading />}>
            <Switch>
              <Route path="/" component={StartPage} />
              <Route path="/signin" component={SignInPage} />
              <Route path="/join/:link">{({ link }) => <JoinRoute key={link} link={link} />}</Route>
              <Route component={OtherPages} />
            </Switch>
          </Suspense>
        </Boundary>
        <ProofGate />
      </SessionProvider>
    </ToastProvider>
  )
}
