import { LoaderCircle, MonitorUp, MonitorX, Volume2 } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Call, CallSnapshot } from '../../call/types'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { classes } from '../../ui/classes'

/** What needs attention now, above the stage: the line is lost, the browser holds the sound back, others see one's screen. */
export function Banners({ call, snapshot }: { readonly call: Call; readonly snapshot: CallSnapshot }) {
  const t = useText()
  return (
    <>
      {snapshot.phase.kind === 'reconnecting' && (
        <Banner icon={<LoaderCircle aria-hidden="true" className="size-5 shrink-0 animate-spin text-warning" />} warns>
          {t('conference.reconnecting')}
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
  readonly children: ReactNode
}

function Banner({ icon, action, warns = false, children }: BannerProps) {
  return (
    <div
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
