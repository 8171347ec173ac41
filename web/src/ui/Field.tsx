import { ChevronDown, CircleAlert } from 'lucide-react'
import { type ComponentProps, type ReactNode, useId } from 'react'
import { classes } from './classes'

/** What stands around a control. */
export interface Labelled {
  readonly label: string
  readonly hint?: ReactNode
  readonly error?: string | undefined
}

/** How a control of one line looks. */
export const control =
  'w-full min-h-11 rounded-lg border border-control bg-surface px-3 text-text placeholder:text-quiet aria-invalid:border-danger aria-invalid:border-2'

interface Ids {
  readonly id: string
  readonly 'aria-describedby': string | undefined
  readonly 'aria-invalid': true | undefined
}

/** A label, an explanation and a reason around a control. */
export function Frame({ label, hint, error, children }: Labelled & { readonly children: (ids: Ids) => ReactNode }) {
  const id = useId()
  const described = [hint ? `${id}-hint` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ')
  return (
    <div className="grid gap-1.5">
      <label id={`${id}-label`} htmlFor={id} className="font-semibold">
        {label}
      </label>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': error ? true : undefined })}
      {hint && (
        <p id={`${id}-hint`} className="text-quiet text-sm">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="flex gap-1.5 text-danger text-sm">
          <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
          {error}
        </p>
      )}
    </div>
  )
}

/** A line of text with its label, an explanation and, when it was wrong, the reason. */
export function TextField({ label, hint, error, className, ...rest }: ComponentProps<'input'> & Labelled) {
  return (
    <Frame label={label} hint={hint} error={error}>
      {ids => <input {...rest} {...ids} className={classes(control, className)} />}
    </Frame>
  )
}

/** The browser's own list of choices, which every device and assistive technology knows. */
export function SelectField({ label, hint, error, className, ...rest }: ComponentProps<'select'> & Labelled) {
  return (
    <Frame label={label} hint={hint} error={error}>
      {ids => (
        <div className="relative">
          <select {...rest} {...ids} className={classes(control, 'appearance-none truncate pr-10', className)} />
          <ChevronDown
            aria-hidden="true"
            className="pointer-events-none absolute top-1/2 right-3 size-5 -translate-y-1/2 text-quiet"
          />
        </div>
      )}
    </Frame>
  )
}

/** Something that is on or off. */
export function SwitchField({
  label,
  hint,
  className,
  ...rest
}: Omit<ComponentProps<'input'>, 'type' | 'role'> & Pick<Labelled, 'label' | 'hint'>) {
  const id = useId()
  return (
    <div className={classes('flex items-start gap-3', className)}>
      <input
        {...rest}
        id={id}
        type="checkbox"
        role="switch"
        aria-describedby={hint ? `${id}-hint` : undefined}
        className="peer relative mt-0.5 h-6 w-11 shrink-0 cursor-pointer appearance-none rounded-full border-2 border-control bg-surface transition-colors before:absolute before:top-0.5 before:left-0.5 before:size-4 before:rounded-full before:bg-control before:transition-transform checked:border-accent checked:bg-accent checked:before:translate-x-5 checked:before:bg-on-accent forced-colors:appearance-auto forced-colors:before:hidden"
      />
      <div className="min-w-0">
        <label htmlFor={id} className="cursor-pointer font-semibold">
          {label}
        </label>
        {hint && (
          <p id={`${id}-hint`} className="text-quiet text-sm">
            {hint}
          </p>
        )}
      </div>
    </div>
  )
}

/** A few choices beside each other, one of which is chosen. */
export function ChoiceField<V extends string>({
  label,
  value,
  choices,
  onChoose,
}: {
  readonly label: string
  readonly value: V
  readonly choices: readonly { readonly value: V; readonly label: string }[]
  readonly onChoose: (value: V) => void
}) {
  const name = useId()
  return (
    <fieldset className="grid gap-1.5">
      <legend className="mb-1.5 font-semibold">{label}</legend>
      <div className="flex flex-wrap gap-1 rounded-lg border border-control p-1">
        {choices.map(choice => (
          <label
            key={choice.value}
            className="flex min-h-9 flex-1 basis-20 cursor-pointer items-center justify-center gap-2 rounded-md px-2 text-center text-quiet transition-colors hover:bg-raised has-checked:bg-accent has-checked:font-semibold has-checked:text-on-accent has-focus-visible:outline-3 has-focus-visible:outline-accent has-focus-visible:outline-offset-2"
          >
            <input
              type="radio"
              name={name}
              value={choice.value}
              checked={choice.value === value}
              onChange={() => onChoose(choice.value)}
              className="sr-only forced-colors:not-sr-only"
            />
            {choice.label}
          </label>
        ))}
      </div>
    </fieldset>
  )
}
