import { type FormEvent, useEffect, useEffectEvent, useState } from 'react'
import type { Preview } from '../../api/client'
import { useSession } from '../../api/session'
import type { Call, CallSnapshot } from '../../call/types'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Loading, Page } from '../../ui/Page'
import { useCall } from '../conference/useCall'
import { TestLink } from '../connection/TestLink'
import { DeviceChoice } from './DeviceChoice'
import { Mirror } from './Mirror'
import { NoGuests } from './NoGuestsPage'
import { rememberedName, rememberName } from './name'

/** The longest name in characters, as the server counts them. */
const maxNameLength = 100

interface JoinPageProps {
  readonly call: Call
  readonly link: string
  readonly preview: Preview
  /** Called after the first paint, to fetch what comes after joining. */
  readonly onPainted: () => void
}

/** The way in: look at yourself, choose devices, say your name, join. Camera and microphone are off until switched on. */
export function JoinPage({ call, link, preview, onPainted }: JoinPageProps) {
  const t = useText()
  const session = useSession()
  const snapshot = useCall(call)
  useEffect(() => void call.refreshDevices(), [call])
  useAfterPaint(() => {
    call.warmUp()
    onPainted()
  })
  if (session.state === 'loading') return <Loading />
  const user = session.state === 'ready' ? session.data : undefined
  if (!user && !preview.guestsAllowed) return <NoGuests />
  return (
    <Page
      title={preview.title}
      intro={
        <>
          <span dir="auto">{t('join.host', { name: preview.host })}</span>
          {' · '}
          {t(preview.running ? 'join.running' : 'join.notRunning')}
        </>
      }
    >
      <JoinForm call={call} snapshot={snapshot} link={link} userName={user?.name} />
      <TestLink />
    </Page>
  )
}

/** Runs once, when the browser has painted: a frame is asked for, and what follows it. */
function useAfterPaint(act: () => void): void {
  const latest = useEffectEvent(act)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const frame = requestAnimationFrame(() => {
      timer = setTimeout(latest)
    })
    return () => {
      cancelAnimationFrame(frame)
      clearTimeout(timer)
    }
  }, [])
}

interface JoinFormProps {
  readonly call: Call
  readonly snapshot: CallSnapshot
  readonly link: string
  /** Of an account; guests say theirs. */
  readonly userName: string | undefined
}

/** The whole page below its title: the button to join stays in view wherever one scrolls. */
function JoinForm({ call, snapshot, link, userName }: JoinFormProps) {
  const t = useText()
  const busy = snapshot.phase.kind === 'joining'
  const [name, setName] = useState(rememberedName)
  const [missing, setMissing] = useState(false)
  const join = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (busy) return
    if (userName !== undefined) {
      void call.join({ link })
      return
    }
    const own = name.trim()
    setMissing(own === '')
    if (own === '') {
      const field = event.currentTarget.querySelector<HTMLElement>('input[autocomplete=name]')
      field?.focus({ preventScroll: true })
      field?.scrollIntoView({ block: 'center' })
      return
    }
    rememberName(own)
    void call.join({ link, name: own })
  }
  return (
    <form
      onSubmit={join}
      noValidate
      className="flex flex-col gap-4 sm:gap-5 low:grid low:grid-cols-[3fr_2fr] low:items-start"
    >
      <Mirror call={call} snapshot={snapshot} name={userName} />
      <div className="contents low:grid low:gap-4">
        {userName === undefined ? (
          <TextField
            label={t('join.name')}
            hint={t('join.nameHint')}
            autoComplete="name"
            required
            maxLength={maxNameLength}
            value={name}
            error={missing ? t('error.name.empty') : undefined}
            onChange={event => setName(event.currentTarget.value)}
          />
        ) : (
          <p className="text-quiet">{t('join.as', { name: userName })}</p>
        )}
        <div data-sticky className="-my-2 z-10 grid bg-canvas py-2 tall:sticky tall:top-0 tall:bottom-0">
          <Button type="submit" look="primary" size="large" busy={busy}>
            {t('join.join')}
          </Button>
        </div>
      </div>
      <p role="status" className="sr-only">
        {busy ? t('join.joining') : ''}
      </p>
      <div className="low:col-span-2">
        <DeviceChoice call={call} snapshot={snapshot} />
      </div>
    </form>
  )
}
