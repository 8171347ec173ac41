import { Eye, EyeOff } from 'lucide-react'
import { type ComponentProps, useEffect, useRef, useState } from 'react'
import { useText } from '../i18n/react'
import { classes } from './classes'
import { control, Frame, type Labelled } from './Field'

/**
 * A password with its label and a switch that shows what is typed. What is sent is hidden again: browsers keep what stood
 * in a visible field for other forms.
 */
export function PasswordField({
  label,
  hint,
  error,
  className,
  ...rest
}: Omit<ComponentProps<'input'>, 'type' | 'ref'> & Labelled) {
  const t = useText()
  const input = useRef<HTMLInputElement>(null)
  const [shown, setShown] = useState(false)
  const [told, setTold] = useState(false)
  useEffect(() => {
    const form = input.current?.form
    const hide = () => setShown(false)
    form?.addEventListener('submit', hide)
    return () => form?.removeEventListener('submit', hide)
  }, [])
  const Icon = shown ? EyeOff : Eye
  const name = t(shown ? 'password.hide' : 'password.show')
  return (
    <Frame label={label} hint={hint} error={error}>
      {ids => (
        <div className="relative">
          <input
            {...rest}
            {...ids}
            ref={input}
            type={shown ? 'text' : 'password'}
            spellCheck={false}
            autoCapitalize="none"
            autoCorrect="off"
            className={classes(control, 'pr-12', className)}
          />
          <button
            type="button"
            aria-label={name}
            aria-controls={ids.id}
            aria-describedby={`${ids.id}-label`}
            title={name}
            onClick={() => {
              setShown(!shown)
              setTold(true)
            }}
            className="absolute inset-y-0 right-0 flex w-11 items-center justify-center rounded-lg text-quiet hover:text-text -outline-offset-3"
          >
            <Icon aria-hidden="true" className="size-5" />
          </button>
          <span role="status" className="sr-only">
            {told ? t(shown ? 'password.shown' : 'password.hidden') : ''}
          </span>
        </div>
      )}
    </Frame>
  )
}
