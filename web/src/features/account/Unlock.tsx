import { api, dataOf, type User } from '../../api/client'
import { useAction } from '../../api/resource'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Problem } from '../../ui/Problem'
import { useNotify } from '../../ui/Toasts'

/** Ends the lock that failed sign-ins brought upon an account; without one nothing happens. */
export function Unlock({ user }: { readonly user: User }) {
  const t = useText()
  const { toast } = useNotify()
  const unlocking = useAction()
  const params = { path: { id: user.id } }
  const unlock = async () => {
    if (await unlocking.run(() => dataOf(api.DELETE('/api/v1/users/{id}/lock', { params }))))
      toast(t('findings.unlocked'))
  }
  return (
    <div className="grid justify-items-start gap-2">
      {unlocking.trouble && <Problem trouble={unlocking.trouble} />}
      <Button busy={unlocking.busy} onClick={() => void unlock()}>
        {t('findings.unlock')}
      </Button>
    </div>
  )
}
