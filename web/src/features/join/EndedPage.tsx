import { DoorOpen } from 'lucide-react'
import { useChangedSession } from '../../api/session'
import { Shell, signInAddress } from '../../app/Shell'
import type { Phase } from '../../call/types'
import { useText } from '../../i18n/react'
import { Button, ButtonLink } from '../../ui/Button'
import { StatePage } from '../../ui/Page'

type Reason = Extract<Phase, { kind: 'ended' }>['reason']

/** Where going back in is what most people want next. */
const returns: ReadonlySet<Reason> = new Set(['left', 'shutdown'])

/** After a conference one can come back to it, unless one was removed; who was signed out signs in first. */
export function EndedPage({ reason, onAgain }: { readonly reason: Reason; readonly onAgain: () => void }) {
  const t = useText()
  const signedOut = reason === 'signedOut'
  useChangedSession(signedOut)
  const back = returns.has(reason)
  const again = (
    <Button look={back ? 'primary' : 'secondary'} onClick={onAgain}>
      {t(reason === 'replaced' ? 'ended.here' : 'ended.again')}
    </Button>
  )
  return (
    <Shell>
      <StatePage icon={DoorOpen} title={t(`ended.${reason}.title`)} text={t(`ended.${reason}.text`)}>
        <div className="flex flex-wrap gap-3">
          {signedOut && (
            <ButtonLink look="primary" href={signInAddress()}>
              {t('action.signIn')}
            </ButtonLink>
          )}
          {back && again}
          <ButtonLink look={back || signedOut ? 'secondary' : 'primary'} href="/">
            {t('action.toStart')}
          </ButtonLink>
          {!back && !signedOut && reason !== 'removed' && again}
        </div>
      </StatePage>
    </Shell>
  )
}
