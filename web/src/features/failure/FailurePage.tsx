import { CircleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import type { TextKey } from '../../i18n/i18n'
import { useText } from '../../i18n/react'
import { describe, type Trouble } from '../../problem/problem'
import { StatePage } from '../../ui/Page'
import { TroubleId } from '../../ui/Problem'

/** Titles for failures that take the whole page; others have the general one. */
const titles: Readonly<Record<string, TextKey>> = {
  'meeting.unknown': 'failure.meetingUnknown',
  'meeting.no_guests': 'failure.noGuests',
  'device.unsupported': 'failure.unsupported',
  'server.unavailable': 'failure.unavailable',
  'conference.full': 'failure.full',
  'connection.lost': 'failure.connectionLost',
  'setup.done': 'failure.setupDone',
  'setup.invalid': 'failure.setupInvalid',
  'unlock.invalid': 'failure.unlockInvalid',
  'access.denied': 'failure.denied',
}

/** Failures that a test of the connection can explain. */
const connectionTroubles = new Set([
  'server.unavailable',
  'connection.lost',
  'media.failed',
  'client.too_slow',
  'protocol.timeout',
  'device.unsupported',
])

/** A page for what cannot go on: what happened, what it means, what to do. */
export function FailurePage({ trouble, children }: { readonly trouble: Trouble; readonly children?: ReactNode }) {
  const t = useText()
  return (
    <StatePage
      icon={CircleAlert}
      tone="danger"
      title={t(titles[trouble.code] ?? 'failure.title')}
      text={describe(t, trouble)}
    >
      {children}
      {connectionTroubles.has(trouble.code) && (
        // A full load: where the line is broken, the browser then says so itself.
        <a href="/test" className="text-accent underline">
          {t('connection.link')}
        </a>
      )}
      <TroubleId trouble={trouble} />
    </StatePage>
  )
}
