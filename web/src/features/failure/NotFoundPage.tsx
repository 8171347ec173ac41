import { MapPinOff } from 'lucide-react'
import { Shell } from '../../app/Shell'
import { useText } from '../../i18n/react'
import { ButtonLink } from '../../ui/Button'
import { StatePage } from '../../ui/Page'

/** For addresses that lead nowhere. */
export function NotFoundPage() {
  const t = useText()
  return (
    <Shell>
      <StatePage icon={MapPinOff} title={t('notFound.title')} text={t('notFound.text')}>
        <ButtonLink href="/" look="primary">
          {t('action.toStart')}
        </ButtonLink>
      </StatePage>
    </Shell>
  )
}
