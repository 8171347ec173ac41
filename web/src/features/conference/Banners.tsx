import { LoaderCircle, MonitorUp, MonitorX, RotateCw, UserPlus, Volume2 } from 'lucide-react'
import {
  type ReactNode,
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import type { Call, CallSnapshot } from '../../call/types'
import type { TextKey } from '../../i18n/i18n'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { CopyButton } from '../../ui/Copy'
import { classes } from '../../ui/classes'
import { useNotify } from '../../ui/Toasts'

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
      {lost && <LostLine lost={lost} unsent={snapshot.chat.some(message => message.pending)} />}
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

/** After so many milliseconds without the line a reload is worth a try, and is offered. */
export const longLoss = 30_000

interface LostLineProps {
  readonly lost: NonNullable<BannersProps['lost']>
  /** Whether messages wait for the line; a reload forgets them. */
  readonly unsent: boolean
}

/** Says that the line comes back by itself; when that takes long, what else one can do. */
function LostLine({ lost, unsent }: LostLineProps) {
  const t = useText()
  const { announce } = useNotify()
  const online = useSyncExternalStore(onNetwork, () => navigator.onLine)
  const [long, setLong] = useState(false)
  const advice: TextKey[] = [online ? 'conference.longLoss' : 'conference.longLossOffline']
  if (online && unsent) advice.push('conference.longLossUnsent')
  const words = advice.map(key => t(key)).join(' ')
  const advise = useEffectEvent(() => {
    announce(online ? `${words} ${t('conference.longLossButton')}` : words)
  })
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), longLoss)
    return () => clearTimeout(timer)
  }, [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: with the network the button comes and goes, which is told each time
  useEffect(() => {
    if (long) advise()
  }, [long, online])
  return (
    <Banner
      icon={<LoaderCircle aria-hidden="true" className="size-5 shrink-0 animate-spin text-warning" />}
      action={long && online && <ReloadButton />}
      line={lost}
      warns
    >
      {long ? words : t(`conference.reconnecting.${lost}`)}
    </Banner>
  )
}

/** Comes and goes by itself; the focus that it had stays in the conference, on a part of the page where no key does anything. */
function ReloadButton() {
  const t = useText()
  const button = useRef<HTMLButtonElement>(null)
  useLayoutEffect(() => {
    const shown = button.current
    return () => {
      if (document.activeElement === shown) enterPage()
    }
  }, [])
  return (
    <Button ref={button} size="small" onClick={() => location.reload()}>
      <RotateCw aria-hidden="true" className="size-4" />
      {t('action.reload')}
    </Button>
  )
}

/** Gives the focus to the stage, or to the bar where a panel covers the stage. */
function enterPage(): void {
  for (const id of ['stage', 'controls']) {
    const part = document.getElementById(id)
    part?.focus()
    if (part && part === document.activeElement) return
  }
}

/** Without a network of its own the device could not load the page again. */
function onNetwork(listener: () => void): () => void {
  addEventListener('online', listener)
  addEventListener('offline', listener)
  return () => {
    removeEventListener('online', listener)
    removeEventListener('offline', listener)
  }
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
