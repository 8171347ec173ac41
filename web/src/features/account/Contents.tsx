import type { TextKey } from '../../i18n/i18n'
import { useText } from '../../i18n/react'

/** The sections of the account page in their order: the id of the heading and its text. */
const own: readonly (readonly [id: string, title: TextKey])[] = [
  ['profile', 'account.profile'],
  ['appearance', 'settings.appearance'],
  ['password', 'entry.password'],
  ['factors', 'factor.title'],
  ['sessions', 'account.sessions'],
  ['tokens', 'account.tokens'],
  ['data', 'account.data'],
]

/** Leads to the sections of the account page; `others` when that of other people's accounts is there. */
export function Contents({ others }: { readonly others: boolean }) {
  const t = useText()
  const sections = others ? [...own, ['users', 'users.title'] as const] : own
  return (
    <nav aria-label={t('account.contents')}>
      <ul className="flex flex-wrap gap-x-5">
        {sections.map(([id, title]) => (
          <li key={id} className="min-w-0">
            <a
              href={`#${id}`}
              className="inline-flex min-h-11 items-center text-accent underline wrap-anywhere"
              onClick={() => document.getElementById(id)?.focus()}
            >
              {t(title)}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}
