import { CircleAlert } from 'lucide-react'
import { useId } from 'react'
import { useText } from '../../i18n/react'
import { type Role, roles } from './roles'

interface RoleFieldsProps {
  readonly value: readonly Role[]
  readonly error?: string | undefined
  readonly onChange: (value: readonly Role[]) => void
}

/** What an account may do, each role with what it is for. */
export function RoleFields({ value, error, onChange }: RoleFieldsProps) {
  const t = useText()
  const id = useId()
  return (
    <fieldset className="grid gap-2" aria-describedby={error ? `${id}-error` : undefined}>
      <legend className="mb-2 font-semibold">{t('users.roles')}</legend>
      {roles.map(role => (
        <label key={role} className="flex cursor-pointer items-start gap-3">
          <input
            type="checkbox"
            className="mt-1 size-5 shrink-0 accent-accent"
            checked={value.includes(role)}
            aria-describedby={`${id}-${role}`}
            onChange={event => {
              const chosen = event.currentTarget.checked
              onChange(roles.filter(each => (each === role ? chosen : value.includes(each))))
            }}
          />
          <span className="min-w-0">
            <span className="block">{t(`role.${role}`)}</span>
            <span id={`${id}-${role}`} aria-hidden="true" className="block text-quiet text-sm">
              {t(`role.${role}.text`)}
            </span>
          </span>
        </label>
      ))}
      {error && (
        <p id={`${id}-error`} role="alert" className="flex gap-1.5 text-danger text-sm">
          <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
          {error}
        </p>
      )}
    </fieldset>
  )
}
