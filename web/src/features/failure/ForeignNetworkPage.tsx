import { ShieldX } from 'lucide-react'
import { useEffect, useEffectEvent, useRef } from 'react'
import { useLocation } from 'wouter'
import { useSession } from '../../api/session'
import { useSignOut } from '../../api/signOut'
import { Shell } from '../../app/Shell'
import { useText } from '../../i18n/react'
import { describe, type Trouble } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { StatePage } from '../../ui/Page'
import { Problem, TroubleId } from '../../ui/Problem'
import { useNotify } from '../../ui/Toasts'

/** For somebody whose account may not be used from this network: come from another one, sign out, or be somebody else. */
export function ForeignNetworkPage({ trouble }: { readonly trouble: Trouble }) {
  const t = useText()
  const { reload } = useSession()
  const [, navigate] = useLocation()
  const leaving = useSignOut()
  useRefusedAgain(trouble)
  const signInAnew = async () => {
    navigate(signInAgainAddress(), { replace: true }) // first: the sign-in page reads its address when it comes
    await reload()
  }
  return (
    <Shell>
      <StatePage icon={ShieldX} tone="danger" title={t('network.title')} text={describe(t, trouble)}>
        <p>{t('network.otherwise')}</p>
        {leaving.trouble && <Problem trouble={leaving.trouble} />}
        <div className="flex flex-wrap gap-3">
          <Button look="primary" onClick={() => void reload()}>
            {t('action.tryAgain')}
          </Button>
          <Button busy={leaving.busy} onClick={() => void leaving.signOut(reload)}>
            {t('account.signOut')}
          </Button>
          <Button busy={leaving.busy} onClick={() => void leaving.signOut(signInAnew)}>
            {t('network.otherAccount')}
          </Button>
        </div>
        <TroubleId trouble={trouble} />
      </StatePage>
    </Shell>
  )
}

/** Tells when the same answer came once more: the page looks as before. */
function useRefusedAgain(trouble: Trouble): void {
  const t = useText()
  const { toast } = useNotify()
  const first = useRef(trouble)
  const tell = useEffectEvent(() => toast(t('network.still')))
  useEffect(() => {
    if (trouble !== first.current) tell()
  }, [trouble])
}

/** The sign-in page, where an identity provider asks anew who one is; it leads back to where one was. */
function signInAgainAddress(): string {
  const here = location.pathname
  const next = here === '/signin' ? new URLSearchParams(location.search).get('next') : here
  return `/signin?${new URLSearchParams({ again: '1', ...(next && next !== '/' && { next }) })}`
}
