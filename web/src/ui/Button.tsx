import type { ComponentProps } from 'react'
import { Link } from 'wouter'
import { classes } from './classes'

type Look = 'primary' | 'secondary' | 'quiet' | 'danger' | 'dangerOutline' | 'dangerQuiet'
type Size = 'small' | 'medium' | 'large'

const looks: Readonly<Record<Look, string>> = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong border-transparent',
  secondary: 'bg-surface text-text border-control hover:bg-raised',
  quiet: 'text-text border-transparent hover:bg-raised',
  danger: 'bg-danger-fill text-on-danger-fill hover:bg-danger-fill-strong border-transparent',
  dangerOutline: 'bg-surface text-danger border-danger hover:bg-danger-soft',
  dangerQuiet: 'text-danger border-transparent hover:bg-danger-soft',
}

const sizes: Readonly<Record<Size, string>> = {
  small: 'min-h-8 px-3 py-1 text-sm gap-1.5',
  medium: 'min-h-11 px-3 py-1 sm:px-4 gap-2',
  large: 'min-h-12 px-6 py-1 text-lg gap-2.5',
}

const shared =
  'inline-flex items-center justify-center rounded-lg border font-semibold transition-colors text-center disabled:opacity-60 aria-disabled:opacity-60'

interface LookProps {
  readonly look?: Look
  readonly size?: Size
}

/** A button; `busy` keeps it focusable but inert while its work is under way. */
export function Button({
  look = 'secondary',
  size = 'medium',
  busy = false,
  className,
  onClick,
  ...rest
}: ComponentProps<'button'> & LookProps & { readonly busy?: boolean }) {
  return (
    <button
      type="button"
      {...rest}
      aria-disabled={busy || undefined}
      onClick={event => {
        if (busy) event.preventDefault()
        else onClick?.(event)
      }}
      className={classes(shared, looks[look], sizes[size], className)}
    />
  )
}

/** A link to another page of the client that looks like a button. */
export function ButtonLink({
  look = 'secondary',
  size = 'medium',
  href,
  label,
  className,
  children,
}: LookProps &
  Pick<ComponentProps<'a'>, 'className' | 'children'> & {
    readonly href: string
    /** A name that begins with the visible text and says more, where several such links stand on a page. */
    readonly label?: string
  }) {
  return (
    <Link href={href} aria-label={label} className={classes(shared, looks[look], sizes[size], className)}>
      {children}
    </Link>
  )
}

/** A square button with an icon alone; the label is its name and its tooltip. */
export function IconButton({
  label,
  small = false,
  className,
  ...rest
}: Omit<ComponentProps<'button'>, 'aria-label'> & { readonly label: string; readonly small?: boolean }) {
  return (
    <button
      type="button"
      title={label}
      {...rest}
      aria-label={label}
      className={classes(
        'inline-flex shrink-0 items-center justify-center rounded-lg text-quiet transition-colors hover:bg-raised hover:text-text disabled:opacity-60',
        small ? 'size-9' : 'size-11',
        className,
      )}
    />
  )
}
