import { Link } from 'wouter'
import { useText } from '../../i18n/react'

/** The way to the page that tests the connection, for the foot of a page. */
export function TestLink() {
  const t = useText()
  return (
    <p>
      <Link href="/test" className="inline-flex min-h-11 items-center text-accent underline">
        {t('connection.link')}
      </Link>
    </p>
  )
}
