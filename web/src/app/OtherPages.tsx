import { Route, Switch } from 'wouter'
import { Texts } from '../i18n/react'
import { lazyPart } from '../ui/part'

const SetupPage = lazyPart(async () => (await import('../features/entry/SetupPage')).SetupPage)
const UnlockPage = lazyPart(async () => (await import('../features/entry/UnlockPage')).UnlockPage)
const AccountPage = lazyPart(async () => (await import('../features/account/AccountPage')).AccountPage)
const TestPage = lazyPart(async () => (await import('../features/connection/TestPage')).TestPage)
const ConferencesPage = lazyPart(async () => (await import('../features/conferences/ConferencesPage')).ConferencesPage)
const FindingsPage = lazyPart(async () => (await import('../features/findings/FindingsPage')).FindingsPage)
const MachinesPage = lazyPart(async () => (await import('../features/machines/MachinesPage')).MachinesPage)
const ApprovalsPage = lazyPart(async () => (await import('../features/approvals/ApprovalsPage')).ApprovalsPage)
const AuditPage = lazyPart(async () => (await import('../features/audit/AuditPage')).AuditPage)
const NotFoundPage = lazyPart(async () => (await import('../features/failure/NotFoundPage')).NotFoundPage)

/** The pages that nobody needs to get into a conference; each is fetched when it is needed. */
export function OtherPages() {
  return (
    <Switch>
      <Route path="/setup">
        <Texts chapter="more">
          <SetupPage />
        </Texts>
      </Route>
      <Route path="/unlock">
        <Texts chapter="more">
          <UnlockPage />
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
      <Route component={NotFoundPage} />
    </Switch>
  )
}
