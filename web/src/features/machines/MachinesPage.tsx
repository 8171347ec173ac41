import { Redirect } from 'wouter'
import { api, dataOf, type Machine } from '../../api/client'
import { useResource } from '../../api/resource'
import { useSession } from '../../api/session'
import { Shell } from '../../app/Shell'
import { useText } from '../../i18n/react'
import { Loading, Page } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { hasRole } from '../account/roles'
import { MachineCard } from './MachineCard'
import { MachineForm } from './MachineForm'

const load = async (): Promise<readonly Machine[]> => (await dataOf(api.GET('/api/v1/machines'))).items

/** Programs that get in with a secret of their own, for those who look after accounts. */
export function MachinesPage() {
  const session = useSession()
  if (session.state === 'loading') return <Loading />
  if (session.state === 'ready' && !session.data) return <Redirect to="/signin?next=%2Fmachines" />
  const user = session.state === 'ready' ? session.data : undefined
  return (
    <Shell>
      <MachineList
        adds={!!user && hasRole(user, 'user_admin')}
        removes={!!user && hasRole(user, 'user_admin', 'security_officer')}
      />
    </Shell>
  )
}

function MachineList({ adds, removes }: { readonly adds: boolean; readonly removes: boolean }) {
  const t = useText()
  const machines = useResource(load)
  return (
    <Page title={t('machines.title')} intro={t('machines.intro')}>
      {machines.state === 'loading' && <Loading />}
      {machines.state === 'failed' && <Problem trouble={machines.trouble} />}
      {machines.state === 'ready' && machines.data.length === 0 && (
        <p className="rounded-xl border border-line border-dashed p-6 text-quiet">{t('machines.none')}</p>
      )}
      {machines.state === 'ready' && machines.data.length > 0 && (
        <ul className="grid gap-3">
          {machines.data.map(each => (
            <MachineCard key={each.id} machine={each} rotates={adds} removes={removes} onChanged={machines.reload} />
          ))}
        </ul>
      )}
      {adds && <MachineForm onAdded={machines.reload} />}
    </Page>
  )
}
