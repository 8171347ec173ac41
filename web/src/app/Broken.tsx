import { CircleAlert } from 'lucide-react'
import { useText } from '../i18n/react'
import { MissingPart } from '../problem/part'
import { Button, ButtonLink } from '../ui/Button'
import { StatePage } from '../ui/Page'
import { Shell } from './Shell'

/** In the place of a page that cannot be shown: what happened, and a reload. */
export function BrokenPage({ caught }: { readonly caught: unknown }) {
  const t = useText()
  const missing = caught instanceof MissingPart
  return (
    <Shell>
      <StatePage
        icon={CircleAlert}
        tone="danger"
        title={t(missing ? 'part.title' : 'broken.title')}
        text={t(missing ? 'part.text' : 'broken.text')}
      >
        <div className="flex flex-wrap gap-3">
          <Button look="primary" onClick={() => location.reload()}>
            {t('action.reload')}
          </Button>
          <ButtonLink href="/">{t('action.toStart')}</ButtonLink>
        </div>
      </StatePage>
    </Shell>
  )
}
