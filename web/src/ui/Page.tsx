import { LoaderCircle, type LucideIcon } from 'lucide-react'
import { type ReactNode, useEffect, useRef } from 'react'
import { useText } from '../i18n/react'
import { classes } from './classes'
import { usePageTitle } from './title'

interface PageProps {
  readonly title: string
  readonly children: ReactNode
  /** A line below the title. */
  readonly intro?: ReactNode
  /** What stands beside the title. */
  readonly aside?: ReactNode
  readonly width?: 'narrow' | 'wide'
}

/** The body of a page: its title, which gets the focus when the page opens, and its content. */
export function Page({ title, intro, aside, children, width = 'narrow' }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  usePageTitle(title)
  useEffect(() => {
    if (document.activeElement === document.body) heading.current?.focus({ preventScroll: true })
  }, [])
  return (
    <main
      id="content"
      className={classes(
        'mx-auto grid w-full gap-6 px-4 py-6 sm:py-10 vast:pt-[9dvh]',
        width === 'narrow' ? 'max-w-xl vast:max-w-2xl' : 'max-w-4xl vast:max-w-6xl',
      )}
    >
      <div className={classes('grid gap-1', aside !== undefined && 'max-sm:gap-3')}>
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h1 ref={heading} tabIndex={-1} className="font-bold text-2xl wrap-anywhere sm:text-3xl" dir="auto">
            {title}
          </h1>
          {aside}
        </div>
        {intro && <p className="text-quiet sm:text-lg">{intro}</p>}
      </div>
      {children}
    </main>
  )
}

interface StatePageProps {
  readonly icon: LucideIcon
  readonly tone?: 'danger' | 'plain'
  readonly title: string
  readonly text: string
  readonly children?: ReactNode
}

/** A page that says one thing and offers the next step. */
export function StatePage({ icon: Icon, tone = 'plain', title, text, children }: StatePageProps) {
  return (
    <Page title={title}>
      <div className="flex gap-4">
        <Icon
          aria-hidden="true"
          className={tone === 'danger' ? 'size-8 shrink-0 text-danger' : 'size-8 shrink-0 text-accent'}
        />
        <div className="grid min-w-0 justify-items-start gap-5">
          <p className="text-lg">{text}</p>
          {children}
        </div>
      </div>
    </Page>
  )
}

/** A part of a page with a heading of its own. */
export function Section({
  id,
  title,
  intro,
  children,
}: {
  /** The id of the heading, for links that lead to it. */
  readonly id?: string
  readonly title: string
  readonly intro?: string
  readonly children: ReactNode
}) {
  return (
    <section className="grid gap-4 rounded-xl border border-line bg-surface p-5">
      <div>
        <h2 id={id} tabIndex={id === undefined ? undefined : -1} className="scroll-mt-6 font-bold text-xl">
          {title}
        </h2>
        {intro && <p className="text-quiet">{intro}</p>}
      </div>
      {children}
    </section>
  )
}

/** While something is fetched; said only to those who cannot see it turn. */
export function Loading() {
  const t = useText()
  return (
    <p className="flex justify-center p-8 text-quiet">
      <LoaderCircle aria-hidden="true" className="size-8 animate-spin" />
      <span className="sr-only">{t('loading')}</span>
    </p>
  )
}
