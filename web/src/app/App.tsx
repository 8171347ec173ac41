import { lazy, Suspense } from 'react'
import { Route, Switch } from 'wouter'
import { SessionProvider } from '../api/session'
import { MoreTexts } from '../i18n/react'
import { Loading } from '../ui/Page'
import { ToastProvider } from '../ui/Toasts'

const StartPage = lazy(async () => ({ default: (await import('../features/start/StartPage')).StartPage }))
const SignInPage = lazy(async () => ({ default: (await import('../features/entry/SignInPage')).SignInPage }))
const SetupPage = lazy(async () => ({ default: (await import('../features/entry/SetupPage')).SetupPage }))
const AccountPage = lazy(async () => ({ default: (await import('../features/account/AccountPage')).AccountPage }))
const JoinRoute = lazy(async () => ({ default: (await import('../features/join/JoinRoute')).JoinRoute }))
const TestPage = lazy(async () => ({ default: (await import('../features/connection/TestPage')).TestPage }))
const ConferencesPage = lazy(async () => ({
  default: (await import('../features/conferences/ConferencesPage')).ConferencesPage,
}))
const NotFoundPage = lazy(async () => ({ default: (await import('../features/failure/NotFoundPage')).NotFoundPage }))

/** The pages of the client by their address; each is fetched when it is needed. */
export function App() {
  return (
    <ToastProvider>
      <SessionProvider>
        <Suspense fallback={<Loading />}>
          <Switch>
            <Route path="/" component={StartPage} />
            <Route path="/signin" component={SignInPage} />
            <Route path="/setup">
              <MoreTexts>
                <SetupPage />
              </MoreTexts>
            </Route>
            <Route path="/account" component={AccountPage} />
            <Route path="/conferences">
              <MoreTexts>
                <ConferencesPage />
              </MoreTexts>
            </Route>
            <Route path="/test">
              <MoreTexts>
                <TestPage />
              </MoreTexts>
            </Route>
            <Route path="/join/:link">{({ link }) => <JoinRoute key={link} link={link} />}</Route>
            <Route component={NotFoundPage} />
          </Switch>
        </Suspense>
      </SessionProvider>
    </ToastProvider>
  )
}
