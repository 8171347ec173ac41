import { ChevronDown } from 'lucide-react'
import { type FormEvent, useEffect, useEffectEvent, useState } from 'react'
import type { Preview } from '../../api/client'
import { useSession } from '../../api/session'
import type { Call } from '../../call/types'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Loading, Page } from '../../ui/Page'
import { useCall } from '../conference/useCall'
import { DeviceFields } from '../devices/DeviceFields'
import { Mirror } from './Mirror'
import { NoGuestsPage } from './NoGuestsPage'
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
  if (!user && !preview.guestsAllowed) return <NoGuestsPage />
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
      <Mirror call={call} snapshot={snapshot} name={user?.name} />
      <JoinForm call={call} link={link} userName={user?.name} busy={snapshot.phase.kind === 'joining'} />
      <details className="group rounded-xl border border-line bg-surface" open>
        <summary className="flex min-h-12 list-none items-center justify-between px-5 font-semibold [&::-webkit-details-marker]:hidden">
          {t('join.devices')}
          <ChevronDown aria-hidden="true" className="size-5 text-quiet group-open:rotate-180" />
        </summary>
        <div className="px-5 pt-1 pb-5">
          <DeviceFields call={call} snapshot={snapshot} />
        </div>
      </details>
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
  readonly link: string
  readonly userName: string | undefined
  readonly busy: boolean
}

function JoinForm({ call, link, userName, busy }: JoinFormProps) {
  const t = useText()
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
      event.currentTarget.querySelector('input')?.focus()
      return
    }
    rememberName(own)
    void call.join({ link, name: own })
  }
  return (
    <form onSubmit={join} noValidate className="grid gap-4">
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
      <Button type="submit" look="primary" size="large" busy={busy}>
        {t('join.join')}
      </Button>
      <p role="status" className="sr-only">
        {busy ? t('join.joining') : ''}
      </p>
    </form>
  )
}
