import { FileWarning } from 'lucide-react'
import { useCallback, useState } from 'react'
import { api, dataOf, type Meeting, ownMeetings } from '../../api/client'
import { useAction, useResource } from '../../api/resource'
import { useSession } from '../../api/session'
import { Shell, signInAddress } from '../../app/Shell'
import { useText } from '../../i18n/react'
import type { Trouble } from '../../problem/problem'
import { Button, ButtonLink } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Loading, StatePage } from '../../ui/Page'
import { Problem, TroubleId } from '../../ui/Problem'
import { useNotify } from '../../ui/Toasts'

interface DamagedPageProps {
  readonly link: string
  readonly trouble: Trouble
  readonly onAgain: () => void
}

/** For a meeting whose last run cannot go on because what was stored of it is damaged. Who created it can close that run here. */
export function DamagedPage({ link, trouble, onAgain }: DamagedPageProps) {
  const t = useText()
  const session = useSession()
  const signedIn = session.state === 'ready' && session.data !== undefined
  const load = useCallback(
    async () => (signedIn ? (await ownMeetings()).find(meeting => meeting.link === link) : undefined),
    [signedIn, link],
  )
  const own = useResource(load)
  const [closing, setClosing] = useState(false)
  const mine = own.state === 'ready' ? own.data : undefined
  return (
    <Shell>
      <StatePage
        icon={FileWarning}
        tone="danger"
        title={t('damaged.title')}
        text={t(mine ? 'damaged.own' : 'error.journal.corrupt')}
      >
        {own.state === 'loading' && <Loading />}
        {own.state === 'failed' && <Problem trouble={own.trouble} />}
        {own.state === 'ready' && !mine && <p>{t(signedIn ? 'damaged.tell' : 'damaged.guest')}</p>}
        <div className="flex flex-wrap gap-3">
          {mine && (
            <Button look="dangerOutline" onClick={() => setClosing(true)}>
              {t('damaged.close')}
            </Button>
          )}
          {!signedIn && (
            <ButtonLink look="primary" href={signInAddress()}>
              {t('action.signIn')}
            </ButtonLink>
          )}
          <Button look={signedIn && !mine ? 'primary' : 'secondary'} onClick={onAgain}>
            {t('action.tryAgain')}
          </Button>
          <ButtonLink href="/">{t('action.toStart')}</ButtonLink>
        </div>
        <TroubleId trouble={trouble} />
      </StatePage>
      {mine && closing && <CloseDialog meeting={mine} onClose={() => setClosing(false)} onClosed={onAgain} />}
    </Shell>
  )
}

interface CloseDialogProps {
  readonly meeting: Meeting
  readonly onClose: () => void
  readonly onClosed: () => void
}

/** Says what is lost and what stays, with the focus on the safe answer. */
function CloseDialog({ meeting, onClose, onClosed }: CloseDialogProps) {
  const t = useText()
  const { toast } = useNotify()
  const closing = useAction()
  const params = { path: { id: meeting.id } }
  const confirm = async () => {
    if (!(await closing.run(() => dataOf(api.DELETE('/api/v1/meetings/{id}/conference', { params }))))) return
    toast(t('damaged.closed'))
    onClosed()
  }
  return (
    <Dialog
      title={t('damaged.closeTitle')}
      onClose={onClose}
      actions={
        <>
          <Button data-autofocus onClick={onClose}>
            {t('action.cancel')}
          </Button>
          <Button look="danger" busy={closing.busy} onClick={() => void confirm()}>
            {t('damaged.confirm')}
          </Button>
        </>
      }
    >
      <p className="wrap-anywhere">{t('damaged.lost', { title: meeting.title })}</p>
      <p>{t('damaged.stays')}</p>
      {closing.trouble && <Problem trouble={closing.trouble} />}
    </Dialog>
  )
}
