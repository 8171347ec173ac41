import { FileWarning } from 'lucide-react'
import { useCallback, useState } from 'react'
import { api, dataOf, type Preview } from '../../api/client'
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

/** What is known of the meeting by whoever asks; undefined until it is known who that is. */
interface Told {
  readonly who: 'account' | 'guest'
  readonly preview?: Preview
}

/** For a meeting whose last run cannot go on because what was stored of it is damaged. Who may close that run can do it here. */
export function DamagedPage({ link, trouble, onAgain }: DamagedPageProps) {
  const t = useText()
  const session = useSession()
  const who = session.state === 'ready' ? (session.data ? 'account' : 'guest') : undefined
  const load = useCallback(async (): Promise<Told | undefined> => {
    if (who !== 'account') return who && { who }
    return { who, preview: await dataOf(api.GET('/api/v1/join/{link}', { params: { path: { link } } })) }
  }, [who, link])
  const answer = useResource(load)
  const [closing, setClosing] = useState(false)
  const told = answer.state === 'ready' ? answer.data : undefined
  const { meeting, title = '' } = told?.preview ?? {}
  const failed = [session, answer].find(each => each.state === 'failed')
  return (
    <Shell>
      <StatePage
        icon={FileWarning}
        tone="danger"
        title={t('damaged.title')}
        text={t(meeting ? 'damaged.allowed' : 'error.journal.corrupt')}
      >
        {failed && <Problem trouble={failed.trouble} />}
        {!failed && !told && <Loading />}
        {told && !meeting && <p>{t(told.who === 'account' ? 'damaged.tell' : 'damaged.guest')}</p>}
        <div className="flex flex-wrap gap-3">
          {meeting && (
            <Button look="dangerOutline" onClick={() => setClosing(true)}>
              {t('damaged.close')}
            </Button>
          )}
          {told?.who === 'guest' && (
            <ButtonLink look="primary" href={signInAddress()}>
              {t('action.signIn')}
            </ButtonLink>
          )}
          <Button look={told?.who === 'guest' || meeting ? 'secondary' : 'primary'} onClick={onAgain}>
            {t('action.tryAgain')}
          </Button>
          <ButtonLink href="/">{t('action.toStart')}</ButtonLink>
        </div>
        <TroubleId trouble={trouble} />
      </StatePage>
      {meeting && closing && (
        <CloseDialog meeting={meeting} title={title} onClose={() => setClosing(false)} onClosed={onAgain} />
      )}
    </Shell>
  )
}

interface CloseDialogProps {
  readonly meeting: string
  readonly title: string
  readonly onClose: () => void
  readonly onClosed: () => void
}

/** Says what is lost and what stays, with the focus on the safe answer. */
function CloseDialog({ meeting, title, onClose, onClosed }: CloseDialogProps) {
  const t = useText()
  const { toast } = useNotify()
  const closing = useAction()
  const params = { path: { id: meeting } }
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
      <p className="wrap-anywhere">{t('damaged.lost', { title })}</p>
      <p>{t('damaged.stays')}</p>
      {closing.trouble && <Problem trouble={closing.trouble} />}
    </Dialog>
  )
}
