import { useState } from 'react'
import { api, dataOf, type Machine } from '../../api/client'
import { useAction } from '../../api/resource'
import { formatDateTime } from '../../i18n/format'
import type { TextKey } from '../../i18n/i18n'
import { useI18n, useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Problem } from '../../ui/Problem'
import { SecretBox } from './SecretBox'

interface MachineCardProps {
  readonly machine: Machine
  readonly rotates: boolean
  readonly removes: boolean
  readonly onChanged: () => Promise<void>
}

/** One machine: what it may do, from where and until when, and what can be done about it. */
export function MachineCard({ machine, rotates, removes, onChanged }: MachineCardProps) {
  const { t, language } = useI18n()
  const [secret, setSecret] = useState<string>()
  const until = machine.secrets.find(each => each.expiresAt)?.expiresAt
  const at = (date: string) => formatDateTime(language, date)
  return (
    <li className="grid gap-2 rounded-xl border border-line bg-surface p-5">
      <h2 className="wrap-anywhere font-semibold text-lg">{machine.name}</h2>
      <p className="wrap-anywhere text-sm">
        {t('machines.clientId')}: <code>{machine.id}</code>
      </p>
      <ul className="grid list-disc gap-1 pl-5">
        {machine.scopes.map(each => (
          <li key={each}>{t(`scope.${each}` as TextKey) || each}</li>
        ))}
      </ul>
      <p className="wrap-anywhere text-quiet text-sm">
        {machine.networks.length > 0
          ? t('machines.networksOf', { networks: machine.networks.join(', ') })
          : t('machines.everywhere')}
      </p>
      <p className="text-quiet text-sm">
        {machine.usedAt ? t('machines.used', { date: at(machine.usedAt) }) : t('machines.unused')}{' '}
        {machine.expiresAt && t('machines.expires', { date: at(machine.expiresAt) })}
      </p>
      {until && <p className="text-sm">{t('machines.overlap', { date: at(until) })}</p>}
      {secret && <SecretBox id={machine.id} secret={secret} />}
      <div className="flex flex-wrap gap-2">
        {rotates && <Rotate machine={machine} onSecret={setSecret} onChanged={onChanged} />}
        {removes && <Remove machine={machine} onChanged={onChanged} />}
      </div>
    </li>
  )
}

interface RotateProps extends Pick<MachineCardProps, 'machine' | 'onChanged'> {
  readonly onSecret: (secret: string) => void
}

function Rotate({ machine, onSecret, onChanged }: RotateProps) {
  const t = useText()
  const rotating = useAction()
  const rotate = async () => {
    const params = { path: { id: machine.id } }
    const ok = await rotating.run(async () => {
      onSecret((await dataOf(api.POST('/api/v1/machines/{id}/secrets', { params }))).secret)
    })
    if (ok) await onChanged()
  }
  return (
    <>
      <Button size="small" busy={rotating.busy} onClick={() => void rotate()}>
        {t('machines.rotate')}
      </Button>
      {rotating.trouble && <Problem trouble={rotating.trouble} />}
    </>
  )
}

function Remove({ machine, onChanged }: Pick<MachineCardProps, 'machine' | 'onChanged'>) {
  const t = useText()
  const removing = useAction()
  const [asked, setAsked] = useState(false)
  const remove = async () => {
    const params = { path: { id: machine.id } }
    if (await removing.run(() => dataOf(api.DELETE('/api/v1/machines/{id}', { params })))) await onChanged()
  }
  return (
    <>
      <Button
        look="dangerQuiet"
        size="small"
        busy={removing.busy}
        onClick={() => (asked ? void remove() : setAsked(true))}
      >
        {t(asked ? 'machines.removeNow' : 'machines.remove')}
      </Button>
      {removing.trouble && <Problem trouble={removing.trouble} />}
    </>
  )
}
