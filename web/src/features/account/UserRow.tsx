import { useId, useState } from 'react'
import { api, dataOf, type User } from '../../api/client'
import { useAction } from '../../api/resource'
import { useText } from '../../i18n/react'
import { Avatar } from '../../ui/Avatar'
import { Button } from '../../ui/Button'
import { Problem } from '../../ui/Problem'
import { useNotify } from '../../ui/Toasts'
import { Erase } from './Erase'
import { RolesForm } from './RolesForm'
import { hasRole } from './roles'
import { Unlock } from './Unlock'

interface UserRowProps {
  readonly user: User
  /** Who looks at it. */
  readonly by: User
  readonly onChanged: () => Promise<void>
}

/** One account, and what may be changed about it by whoever looks. */
export function UserRow({ user, by, onChanged }: UserRowProps) {
  const t = useText()
  const id = useId()
  const [open, setOpen] = useState(false)
  const assigns = hasRole(by, 'user_admin')
  const bars = user.disabled ? assigns : assigns || hasRole(by, 'security_officer')
  return (
    <li className="grid gap-3 py-2">
      <div className="flex min-h-12 flex-wrap items-center gap-3">
        <Avatar name={user.name} className="size-9 text-sm" />
        <div className="min-w-0 grow basis-40">
          <p className="wrap-anywhere" dir="auto">
            {user.name}
          </p>
          <p className="flex flex-wrap gap-x-2 text-quiet text-sm">
            <span className="wrap-anywhere">{user.email}</span>
            <span>{user.roles.map(role => t(`role.${role}`)).join(', ')}</span>
            {user.disabled && <span className="text-danger">{t('users.disabled')}</span>}
          </p>
        </div>
        {user.id !== by.id && (assigns || bars) && (
          <Button
            size="small"
            aria-expanded={open}
            aria-controls={id}
            aria-label={t('users.editOf', { name: user.name })}
            onClick={() => setOpen(!open)}
          >
            {t('users.edit')}
          </Button>
        )}
      </div>
      <div id={id} hidden={!open} className="grid gap-4 rounded-lg border border-line p-4">
        {open && assigns && <RolesForm user={user} onChanged={onChanged} />}
        {open && bars && <Lock user={user} />}
        {open && bars && <Bar user={user} onChanged={onChanged} />}
        {open && assigns && <Erase user={user} onChanged={onChanged} />}
      </div>
    </li>
  )
}

type ChangeProps = Omit<UserRowProps, 'by'>

/** What failed sign-ins did to the account; whether they did is not known here. */
function Lock({ user }: { readonly user: User }) {
  const t = useText()
  return (
    <div className="grid gap-2">
      <Unlock user={user} />
      <p className="text-quiet text-sm">{t('users.unlockText')}</p>
    </div>
  )
}

/** Keeps a person out, or lets the person in again. */
function Bar({ user, onChanged }: ChangeProps) {
  const t = useText()
  const { toast } = useNotify()
  const barring = useAction()
  const change = async () => {
    const request = { params: { path: { id: user.id } } }
    const done = await barring.run(() =>
      dataOf(
        user.disabled
          ? api.DELETE('/api/v1/users/{id}/disabled', request)
          : api.PUT('/api/v1/users/{id}/disabled', request),
      ),
    )
    if (!done) return
    toast(t(user.disabled ? 'users.isEnabled' : 'users.isDisabled', { name: user.name }))
    await onChanged()
  }
  return (
    <div className="grid gap-2">
      <Button
        look={user.disabled ? 'secondary' : 'dangerOutline'}
        busy={barring.busy}
        className="justify-self-start"
        onClick={() => void change()}
      >
        {t(user.disabled ? 'users.enable' : 'users.disable')}
      </Button>
      {!user.disabled && <p className="text-quiet text-sm">{t('users.disableText')}</p>}
      {barring.trouble && <Problem trouble={barring.trouble} />}
    </div>
  )
}
