import { RefreshCw } from 'lucide-react'
import { Redirect } from 'wouter'
import { type Approval, api, dataOf, type User } from '../../api/client'
import { useResource } from '../../api/resource'
import { useSession } from '../../api/session'
import { Shell } from '../../app/Shell'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Loading, Page, Section } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { hasRole } from '../account/roles'
import { ApprovalCard } from './ApprovalCard'
import { AskExport } from './AskExport'

const load = async (): Promise<readonly Approval[]> => (await dataOf(api.GET('/api/v1/approvals'))).items

/** What waits for a second person: to decide about, asked for by oneself, and what became of the others. */
export function ApprovalsPage() {
  const session = useSession()
  if (session.state === 'loading') return <Loading />
  if (session.state === 'ready' && !session.data) return <Redirect to="/signin?next=%2Fapprovals" />
  return (
    <Shell>
      {session.state === 'failed' && <Problem trouble={session.trouble} />}
      {session.state === 'ready' && session.data && <Approvals by={session.data} />}
    </Shell>
  )
}

function Approvals({ by }: { readonly by: User }) {
  const t = useText()
  const requests = useResource(load)
  const list = requests.state === 'ready' ? requests.data : []
  const others = list.filter(each => !each.decidable && !each.own)
  return (
    <Page
      width="wide"
      title={t('approvals.title')}
      intro={t('approvals.intro')}
      aside={
        <Button onClick={() => void requests.reload()}>
          <RefreshCw aria-hidden="true" className="size-4 shrink-0" />
          {t('approvals.refresh')}
        </Button>
      }
    >
      {requests.state === 'loading' && <Loading />}
      {requests.state === 'failed' && <Problem trouble={requests.trouble} />}
      {requests.state === 'ready' && (
        <>
          <Section title={t('approvals.toDecide')}>
            <Cards
              list={list.filter(each => each.decidable)}
              none={t('approvals.noneToDecide')}
              onChanged={requests.reload}
            />
          </Section>
          <Section title={t('approvals.own')}>
            <Cards list={list.filter(each => each.own)} none={t('approvals.noneOwn')} onChanged={requests.reload} />
            {hasRole(by, 'auditor') && <AskExport onAsked={requests.reload} />}
          </Section>
          {others.length > 0 && (
            <Section title={t('approvals.others')}>
              <Cards list={others} none="" onChanged={requests.reload} />
            </Section>
          )}
        </>
      )}
    </Page>
  )
}

interface CardsProps {
  readonly list: readonly Approval[]
  readonly none: string
  readonly onChanged: () => Promise<void>
}

function Cards({ list, none, onChanged }: CardsProps) {
  if (list.length === 0) return <p className="text-quiet">{none}</p>
  return (
    <ul className="grid gap-3">
      {list.map(each => (
        <ApprovalCard key={each.id} approval={each} onChanged={onChanged} />
      ))}
    </ul>
  )
}
