import { api, dataOf, everyPage, type User } from '../../api/client'
import { useResource } from '../../api/resource'
import { useText } from '../../i18n/react'
import { Loading, Section } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { hasRole } from './roles'
import { UserForm } from './UserForm'
import { UserRow } from './UserRow'

const load = () =>
  everyPage<User>((last, limit) => {
    const query = { limit, ...(last && { after: last.email }) }
    return dataOf(api.GET('/api/v1/users', { params: { query } }))
  })

/** All accounts, as far as whoever looks may see and change them. */
export function Users({ by }: { readonly by: User }) {
  const t = useText()
  const users = useResource(load)
  return (
    <Section id="users" title={t('users.title')} intro={t('users.intro')}>
      {users.state === 'loading' && <Loading />}
      {users.state === 'failed' && <Problem trouble={users.trouble} />}
      {users.state === 'ready' && (
        <ul className="grid gap-1">
          {users.data
            .filter(each => !each.erased)
            .map(each => (
              <UserRow key={`${each.id} ${each.roles.join(' ')}`} user={each} by={by} onChanged={users.reload} />
            ))}
        </ul>
      )}
      {hasRole(by, 'user_admin') && <UserForm onCreated={users.reload} />}
    </Section>
  )
}
