import { LoaderCircle, MonitorUp, MonitorX, UserPlus, Volume2 } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Call, CallSnapshot } from '../../call/types'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { CopyButton } from '../../ui/Copy'
import { classes } from '../../ui/classes'

interface BannersProps {
  readonly call: Call
  readonly snapshot: CallSnapshot
  /** The line that is lost and being restored. */
  readonly lost: 'signalling' | 'media' | 'both' | undefined
  /** The address that others can join by. */
  readonly address: string
}

/** What needs attention now, above the stage: the line is lost, the browser holds the sound back, others see one's screen, nobody is there. */
export function Banners({ call, snapshot, lost, address }: BannersProps) {
  const t = useText()
  return (
    <>
      {lost && (
        <Banner
          icon={<LoaderCircle aria-hidden="true" className="size-5 shrink-0 animate-spin text-warning" />}
          line={lost}
          warns
        >
          {t(`conference.reconnecting.${lost}`)}
        </Banner>
      )}
      {snapshot.soundBlocked && (
        <Banner
          icon={<Volume2 aria-hidden="true" className="size-5 shrink-0 text-warning" />}
          action={
            <Button look="primary" size="small" onClick={() => void call.startSound()}>
              {t('conference.startSound')}
            </Button>
          }
          warns
        >
          {t('conference.soundBlocked')}
        </Banner>
      )}
      {!lost && snapshot.participants.length === 1 && (
        <Banner
          icon={<UserPlus aria-hidden="true" className="size-5 shrink-0 text-accent" />}
          action={<CopyButton size="small" text={address} label={t('people.copyLink')} />}
        >
          {t('conference.alone')}
        </Banner>
      )}
      {snapshot.screen.kind === 'on' && (
        <Banner
          icon={<MonitorUp aria-hidden="true" className="size-5 shrink-0 text-accent" />}
          action={
            <Button size="small" onClick={() => void call.stopScreen()}>
              <MonitorX aria-hidden="true" className="size-4" />
              {t('conference.stopSharing')}
            </Button>
          }
        >
          {t('conference.sharing')}
        </Banner>
      )}
    </>
  )
}

interface BannerProps {
  readonly icon: ReactNode
  readonly action?: ReactNode
  readonly warns?: boolean
  /** The line that is lost, for tests to find. */
  readonly line?: string
  readonly children: ReactNode
}

function Banner({ icon, action, warns = false, line, children }: BannerProps) {
  return (
    <div
      data-lost-line={line}
      className={classes(
        'mx-2 mt-1 flex min-h-11 flex-wrap items-center gap-x-4 gap-y-2 rounded-lg border px-4 py-1.5',
        warns ? 'border-warning bg-warning-soft' : 'border-accent bg-accent-soft',
      )}
    >
      <p className="flex min-w-0 flex-1 basis-60 items-center gap-3">
        {icon}
        <span className="min-w-0">{children}</span>
      </p>
      {action}
    </div>
  )
}
