import { type FormEvent, useState } from 'react'
import { api, dataOf } from '../../api/client'
import { useAction } from '../../api/resource'
import { useText } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Problem } from '../../ui/Problem'

/** For auditors: asks somebody else to agree that the audit log be exported. */
export function AskExport({ onAsked }: { readonly onAsked: () => Promise<void> }) {
  const t = useText()
  const asking = useAction()
  const [reason, setReason] = useState('')
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (asking.busy) return
    const body = { reason: reason.trim() }
    if (!(await asking.run(() => dataOf(api.POST('/api/v1/approvals/audit-export', { body }))))) return
    setReason('')
    await onAsked()
  }
  const wrong = fieldError(t, asking.trouble, 'reason')
  return (
    <form onSubmit={submit} noValidate className="grid gap-4 border-line border-t pt-4">
      <h3 className="font-bold">{t('approvals.askExport')}</h3>
      <TextField
        required
        label={t('approvals.reason')}
        hint={t('approvals.reasonHint')}
        maxLength={300}
        value={reason}
        error={wrong}
        onChange={event => setReason(event.currentTarget.value)}
      />
      {asking.trouble && !wrong && <Problem trouble={asking.trouble} />}
      <Button type="submit" busy={asking.busy} className="justify-self-start">
        {t('approvals.ask')}
      </Button>
    </form>
  )
}
