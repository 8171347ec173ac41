import { useEffect, useState } from 'react'
import { formatDuration } from '../../i18n/format'
import { useText } from '../../i18n/react'

interface HeaderProps {
  readonly title: string
  readonly startedAt: string | undefined
  readonly people: number
}

/** What is going on: title, time, and how many can hear. */
export function Header({ title, startedAt, people }: HeaderProps) {
  const t = useText()
  return (
    <header className="flex min-h-11 items-center gap-3 px-3 pt-1 short:min-h-8">
      <h1 className="min-w-0 truncate font-semibold" dir="auto">
        {title}
      </h1>
      {startedAt && <Clock startedAt={startedAt} />}
      <p className="ml-auto shrink-0 text-quiet text-sm">{t('conference.people', { count: people })}</p>
    </header>
  )
}

function Clock({ startedAt }: { readonly startedAt: string }) {
  const t = useText()
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  return (
    <p role="timer" aria-label={t('conference.duration')} className="shrink-0 text-quiet text-sm tabular-nums">
      {formatDuration(now - Date.parse(startedAt))}
    </p>
  )
}
