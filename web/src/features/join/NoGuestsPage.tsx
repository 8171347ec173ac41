import { UserLock } from 'lucide-react'
import { Shell, signInAddress } from '../../app/Shell'
import { useText } from '../../i18n/react'
import { ButtonLink } from '../../ui/Button'
import { StatePage } from '../../ui/Page'

/** For guests at a meeting that takes none: signing in is the way in. */
export function NoGuests() {
  const t = useText()
  return (
    <StatePage icon={UserLock} title={t('failure.noGuests')} text={t('error.meeting.no_guests')}>
      <div className="flex flex-wrap gap-3">
        <ButtonLink look="primary" href={signInAddress()}>
          {t('action.signIn')}
        </ButtonLink>
        <ButtonLink href="/">{t('action.toStart')}</ButtonLink>
      </div>
    </StatePage>
  )
}

/** The same as a page of its own. */
export function NoGuestsPage() {
  return (
    <Shell account={false}>
      <NoGuests />
    </Shell>
  )
}
