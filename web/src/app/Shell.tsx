import { CircleUser, Languages } from 'lucide-react'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { useSession } from '../api/session'
import { languageNames, languages } from '../i18n/i18n'
import { useI18n } from '../i18n/react'
import { useSwitchLanguage } from '../ui/language'
import { Mark } from '../ui/Mark'

interface ShellProps {
  readonly children: ReactNode
  /** Pages that are about signing in show no way to do so. */
  readonly account?: boolean
  /** Pages that show something only once have no way out but their own. */
  readonly leave?: boolean
}

/** The frame of every page but the conference: skip link, mark, language, account. */
export function Shell({ children, account = true, leave = true }: ShellProps) {
  const { t } = useI18n()
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded-lg focus:bg-surface focus:px-4 focus:py-2"
      >
        {t('shell.skip')}
      </a>
      <header className="border-line border-b bg-surface">
        <div className="mx-auto flex min-h-14 max-w-4xl vast:max-w-6xl flex-wrap items-center justify-between gap-x-4 px-4">
          {leave ? (
            <Link href="/" className={home}>
              <Brand />
            </Link>
          ) : (
            <span className={home}>
              <Brand />
            </span>
          )}
          <nav aria-label={t('shell.navigation')} className="print:hidden -mr-2 flex items-center sm:-mr-3 sm:gap-1">
            <LanguageSwitch />
            {account && <AccountLink />}
          </nav>
        </div>
      </header>
      {children}
    </div>
  )
}

const home = 'flex min-h-11 items-center gap-2.5 font-bold text-lg'

function Brand() {
  return (
    <>
      <Mark className="size-7 text-accent" />
      Konklave
    </>
  )
}

const item = 'inline-flex min-h-11 min-w-0 items-center gap-2 rounded-lg px-2 hover:bg-raised sm:px-3'

/** Switches to the other language; the button speaks that language. */
function LanguageSwitch() {
  const { language } = useI18n()
  const switchTo = useSwitchLanguage()
  const other = languages.find(each => each !== language) ?? language
  return (
    <button type="button" lang={other} className={item} onClick={() => switchTo(other)}>
      <Languages aria-hidden="true" className="size-5 text-quiet max-sm:hidden" />
      {languageNames[other]}
    </button>
  )
}

function AccountLink() {
  const { t } = useI18n()
  const session = useSession()
  if (session.state !== 'ready') return null
  if (!session.data) {
    return (
      <Link href={signInAddress()} className={`${item} font-semibold text-accent`}>
        {t('action.signIn')}
      </Link>
    )
  }
  return (
    <Link href="/account" className={item}>
      <CircleUser aria-hidden="true" className="size-5 shrink-0 text-quiet" />
      <span className="max-w-40 truncate max-sm:sr-only">{session.data.name}</span>
    </Link>
  )
}

/** The sign-in page, which leads back to where one was. */
export function signInAddress(): string {
  const here = location.pathname
  return here === '/' ? '/signin' : `/signin?next=${encodeURIComponent(here)}`
}
