import { Suspense } from 'react'
import { Route, Switch, useLocation } from 'wouter'
import { networkDenied, SessionProvider, useSession } from '../api/session'
import { Texts } from '../i18n/react'
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
const ForeignNetworkPage = lazyPart(
  async () => (await import('../features/failure/ForeignNetworkPage')).ForeignNetworkPage,
)

/** The pages of the client by their address; each is fetched when it is needed, and the list of those that few people see too. */
export function App() {
  return (
    <ToastProvider>
      <SessionProvider>
        <Pages />
        <ProofGate />
      </SessionProvider>
    </ToastProvider>
  )
}

/** Who is signed in and comes from a network that is not open to the account sees that, and nothing else but the set-up and its key. */
function Pages() {
  const [path] = useLocation()
  const session = useSession()
  const trouble = session.state === 'failed' && path !== '/setup' ? session.trouble : undefined
  const foreign = trouble?.code === networkDenied
  return (
    <Boundary key={foreign ? networkDenied : path} fallback={caught => <BrokenPage caught={caught} />}>
      <Suspense fallback={<Loading />}>
        {foreign ? (
          <Texts chapter="more">
            <ForeignNetworkPage trouble={trouble} />
          </Texts>
        ) : (
          <Switch>
            <Route path="/" component={StartPage} />
            <Route path="/signin" component={SignInPage} />
            <Route path="/join/:link">{({ link }) => <JoinRoute key={link} link={link} />}</Route>
            <Route component={OtherPages} />
          </Switch>
        )}
      </Suspense>
    </Boundary>
  )
}
