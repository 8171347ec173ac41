import { type FormEvent, useId, useState } from 'react'
import { api, dataOf, type Machine } from '../../api/client'
import { useAction } from '../../api/resource'
import { useText } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Section } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { SecretBox } from './SecretBox'

/** What a machine can be given here, in the order of the server. */
const scopes = [
  'meetings.read',
  'meetings.write',
  'conferences.read',
  'users.read',
  'findings.read',
  'audit.cosign',
] as const

type Scope = (typeof scopes)[number]

/** Adds a machine and shows its secret, once. */
export function MachineForm({ onAdded }: { readonly onAdded: () => Promise<void> }) {
  const t = useText()
  const adding = useAction()
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<readonly Scope[]>([])
  const [networks, setNetworks] = useState('')
  const [expires, setExpires] = useState('')
  const [added, setAdded] = useState<{ readonly machine: Machine; readonly secret: string }>()
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (adding.busy) return
    const listed = networks.split(/[\s,]+/).filter(Boolean)
    const body = {
      name: name.trim(),
      scopes: [...chosen],
      ...(listed.length > 0 && { networks: listed }),
      ...(expires && { expiresAt: new Date(`${expires}T23:59:59`).toISOString() }),
    }
    const ok = await adding.run(async () => setAdded(await dataOf(api.POST('/api/v1/machines', { body }))))
    if (!ok) return
    setName('')
    setChosen([])
    setNetworks('')
    setExpires('')
    await onAdded()
  }
  const errorOf = (field: string) => fieldError(t, adding.trouble, field)
  const known = ['name', 'scopes', 'networks', 'expiresAt'].some(errorOf)
  return (
    <Section title={t('machines.add')} intro={t('machines.addIntro')}>
      {added && <SecretBox id={added.machine.id} secret={added.secret} />}
      <form onSubmit={submit} noValidate className="grid gap-4">
        <TextField
          label={t('machines.name')}
          autoComplete="off"
          value={name}
          error={errorOf('name')}
          onChange={event => setName(event.currentTarget.value)}
        />
        <ScopeFields value={chosen} error={errorOf('scopes')} onChange={setChosen} />
        <TextField
          label={t('machines.networks')}
          hint={t('machines.networksHint')}
          autoComplete="off"
          value={networks}
          error={errorOf('networks')}
          onChange={event => setNetworks(event.currentTarget.value)}
        />
        <TextField
          type="date"
          label={t('machines.until')}
          hint={t('machines.untilHint')}
          value={expires}
          error={errorOf('expiresAt')}
          onChange={event => setExpires(event.currentTarget.value)}
        />
        {adding.trouble && !known && <Problem trouble={adding.trouble} />}
        <Button type="submit" busy={adding.busy} className="justify-self-start">
          {t('machines.addNow')}
        </Button>
      </form>
    </Section>
  )
}

interface ScopeFieldsProps {
  readonly value: readonly Scope[]
  readonly error?: string | undefined
  readonly onChange: (value: readonly Scope[]) => void
}

function ScopeFields({ value, error, onChange }: ScopeFieldsProps) {
  const t = useText()
  const id = useId()
  return (
    <fieldset className="grid gap-2" aria-describedby={error ? `${id}-error` : undefined}>
      <legend className="mb-2 font-semibold">{t('machines.scopes')}</legend>
      {scopes.map(scope => (
        <label key={scope} className="flex cursor-pointer items-start gap-3">
          <input
            type="checkbox"
            className="mt-1 size-5 shrink-0 accent-accent"
            checked={value.includes(scope)}
            onChange={event => {
              const on = event.currentTarget.checked
              onChange(scopes.filter(each => (each === scope ? on : value.includes(each))))
            }}
          />
          <span className="min-w-0">
            {t(`scope.${scope}`)} <code className="text-quiet text-sm">{scope}</code>
          </span>
        </label>
      ))}
      {error && (
        <p id={`${id}-error`} role="alert" className="text-danger text-sm">
          {error}
        </p>
      )}
    </fieldset>
  )
}
