import { DoorOpen } from 'lucide-react'
import { Shell } from '../../app/Shell'
import type { Phase } from '../../call/types'
import { useText } from '../../i18n/react'
import { Button, ButtonLink } from '../../ui/Button'
import { StatePage } from '../failure/FailurePage'

type Reason = Extract<Phase, { kind: 'ended' }>['reason']

/** After a conference one can come back to it, unless one was removed. */
export function EndedPage({ reason, onAgain }: { readonly reason: Reason; readonly onAgain: () => void }) {
  const t = useText()
  return (
    <Shell>
      <StatePage icon={DoorOpen} title={t(`ended.${reason}.title`)} text={t(`ended.${reason}.text`)}>
        <div className="flex flex-wrap gap-3">
          <ButtonLink look="primary" href="/">
            {t('action.toStart')}
          </ButtonLink>
          {reason !== 'removed' && (
            <Button onClick={onAgain}>{t(reason === 'replaced' ? 'ended.here' : 'ended.again')}</Button>
          )}
        </div>
      </StatePage>
    </Shell>
  )
}
