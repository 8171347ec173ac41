import { type FormEvent, useState } from 'react'
import { api, dataOf, type User } from '../../api/client'
import { useAction } from '../../api/resource'
import { useText } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button, ButtonLink } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Problem } from '../../ui/Problem'
import { useNotify } from '../../ui/Toasts'
import { RoleFields } from './RoleFields'
import type { Role } from './roles'

interface RolesFormProps {
  readonly user: User
  readonly onChanged: () => Promise<void>
}

/** Gives an account roles, or asks a second person to agree where that is needed. */
export function RolesForm({ user, onChanged }: RolesFormProps) {
  const t = useText()
  const { toast } = useNotify()
  const saving = useAction()
  const [draft, setDraft] = useState(user.roles)
  const [asking, setAsking] = useState<readonly Role[]>()
  const needsSecond = saving.trouble?.code === 'access.approval_required'
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (saving.busy) return
    setAsking(undefined)
    const request = { params: { path: { id: user.id } }, body: { roles: draft } }
    if (!(await saving.run(() => dataOf(api.PUT('/api/v1/users/{id}/roles', request))))) {
      setAsking(draft)
      return
    }
    toast(t('users.rolesSaved', { name: user.name }))
    await onChanged()
  }
  return (
    <div className="grid gap-4">
      <form onSubmit={submit} noValidate className="grid gap-4">
        <RoleFields
          value={draft}
          error={fieldError(t, saving.trouble, 'roles')}
          onChange={value => setDraft([...value])}
        />
        {saving.trouble && !saving.trouble.fields && !needsSecond && <Problem trouble={saving.trouble} />}
        <p className="text-quiet text-sm">{t('users.rolesText')}</p>
        <Button type="submit" busy={saving.busy} className="justify-self-start">
          {t('users.saveRoles')}
        </Button>
      </form>
      {needsSecond && asking && <AskForm key={asking.join(' ')} user={user} roles={asking} />}
    </div>
  )
}

/** Asks somebody else to agree that an account get roles. */
function AskForm({ user, roles }: { readonly user: User; readonly roles: readonly Role[] }) {
  const t = useText()
  const asking = useAction()
  const [reason, setReason] = useState('')
  const [asked, setAsked] = useState(false)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (asking.busy) return
    const body = { user: user.id, roles: [...roles], reason: reason.trim() }
    if (await asking.run(() => dataOf(api.POST('/api/v1/approvals/roles', { body })))) setAsked(true)
  }
  const toRequests = (
    <ButtonLink href="/approvals" className="justify-self-start">
      {t('approvals.toList')}
    </ButtonLink>
  )
  if (asked) {
    return (
      <div role="status" className="grid gap-3 rounded-lg border border-line p-4">
        <p>{t('approvals.asked', { name: user.name })}</p>
        {toRequests}
      </div>
    )
  }
  const wrong = fieldError(t, asking.trouble, 'reason')
  return (
    <form onSubmit={submit} noValidate className="grid gap-4 rounded-lg border border-line p-4">
      <p role="status">{t('approvals.needed')}</p>
      <p className="text-quiet text-sm">{roles.map(role => t(`role.${role}`)).join(', ')}</p>
      <TextField
        autoFocus
        required
        label={t('approvals.reason')}
        hint={t('approvals.reasonHint')}
        maxLength={300}
        value={reason}
        error={wrong}
        onChange={event => setReason(event.currentTarget.value)}
      />
      {asking.trouble && !wrong && <Problem trouble={asking.trouble} />}
      <Button type="submit" look="primary" busy={asking.busy} className="justify-self-start">
        {t('approvals.ask')}
      </Button>
    </form>
  )
}
