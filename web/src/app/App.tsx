import { Suspense } from 'react'
import { Route, Switch, useLocation } from 'wouter'
import { SessionProvider } from '../api/session'
import { Texts } from '../i18n/react'
import { Loading } from '../ui/Page'
import { lazyPart } from '../ui/part'
import { ToastProvider } from '../ui/Toasts'
import { Boundary } from './Boundary'
import { BrokenPage } from './Broken'
import { ProofGate } from './ProofGate'

const StartPage = lazyPart(async () => (await import('../features/start/StartPage')).StartPage)
const SignInPage = lazyPart(async () => (await import('../features/entry/SignInPage')).SignInPage)
const SetupPage = lazyPart(async () => (await import('../features/entry/SetupPage')).SetupPage)
const AccountPage = lazyPart(async () => (await import('../features/account/AccountPage')).AccountPage)
const JoinRoute = lazyPart(async () => (await import('../features/join/JoinRoute')).JoinRoute)
const TestPage = lazyPart(async () => (await import('../features/connection/TestPage')).TestPage)
const ConferencesPage = lazyPart(async () => (await import('../features/conferences/ConferencesPage')).ConferencesPage)
const FindingsPage = lazyPart(async () => (await import('../features/findings/FindingsPage')).FindingsPage)
const MachinesPage = lazyPart(async () => (await import('../features/machines/MachinesPage')).MachinesPage)
const ApprovalsPage = lazyPart(async () => (await import('../features/approvals/ApprovalsPage')).ApprovalsPage)
const AuditPage = lazyPart(async () => (await import('../features/audit/AuditPage')).AuditPage)
const NotFoundPage = lazyPart(async () => (await import('../features/failure/NotFoundPage')).NotFoundPage)

/** The pages of the client by their address; each is fetched when it is needed. */
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
              <Route path="/setup">
                <Texts chapter="more">
                  <SetupPage />
                </Texts>
              </Route>
              <Route path="/account">
                <Texts chapter="more">
                  <AccountPage />
                </Texts>
              </Route>
              <Route path="/conferences">
                <Texts chapter="more">
                  <ConferencesPage />
                </Texts>
              </Route>
              <Route path="/findings">
                <Texts chapter="more">
                  <FindingsPage />
                </Texts>
              </Route>
              <Route path="/machines">
                <Texts chapter="more">
                  <MachinesPage />
                </Texts>
              </Route>
              <Route path="/approvals">
                <Texts chapter="more">
                  <ApprovalsPage />
                </Texts>
              </Route>
              <Route path="/audit">
                <Texts chapter="more">
                  <Texts chapter="audit">
                    <AuditPage />
                  </Texts>
                </Texts>
              </Route>
              <Route path="/test">
                <Texts chapter="more">
                  <TestPage />
                </Texts>
              </Route>
              <Route path="/join/:link">{({ link }) => <JoinRoute key={link} link={link} />}</Route>
              <Route component={NotFoundPage} />
            </Switch>
          </Suspense>
        </Boundary>
        <ProofGate />
      </SessionProvider>
    </ToastProvider>
  )
}
