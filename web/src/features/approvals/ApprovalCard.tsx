import { useState } from 'react'
import { type Approval, api, dataOf } from '../../api/client'
import { useAction } from '../../api/resource'
import { formatDateTime } from '../../i18n/format'
import type { Translate } from '../../i18n/i18n'
import { useI18n, useText } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Problem } from '../../ui/Problem'

interface CardProps {
  readonly approval: Approval
  readonly onChanged: () => Promise<void>
}

/** One request: what is to be done to the letter, by whom it was asked for, and how far it has come. */
export function ApprovalCard({ approval, onChanged }: CardProps) {
  const { t, language } = useI18n()
  const date = (iso: string) => formatDateTime(language, iso)
  const { requestedBy, decidedBy, decidedAt, usedAt } = approval
  const open = approval.state === 'pending' || approval.state === 'approved'
  return (
    <li className="grid gap-3 rounded-xl border border-line p-4">
      <div className="flex flex-wrap items-start justify-between gap-2">
        <h3 className="wrap-anywhere min-w-0 font-semibold">{act(t, approval)}</h3>
        <p className="rounded-md bg-raised px-2 text-sm">{t(`approvals.state.${approval.state}`)}</p>
      </div>
      <dl className="grid gap-x-4 gap-y-1 text-sm sm:grid-cols-[auto_1fr]">
        {approval.before && (
          <Fact name={t('approvals.before')}>{approval.before.map(role => t(`role.${role}`)).join(', ')}</Fact>
        )}
        {approval.after && (
          <Fact name={t('approvals.after')}>{approval.after.map(role => t(`role.${role}`)).join(', ')}</Fact>
        )}
        {approval.keptBefore && <Fact name={t('approvals.keptBefore')}>{days(t, approval.keptBefore)}</Fact>}
        {approval.keptAfter && <Fact name={t('approvals.keptAfter')}>{days(t, approval.keptAfter)}</Fact>}
        <Fact name={t('approvals.why')}>{requestedBy.id ? approval.reason : t('approvals.configured')}</Fact>
        <Fact name={t('approvals.askedBy')}>
          {requestedBy.id ? person(requestedBy) : t('approvals.server')}, {date(approval.requestedAt)}
        </Fact>
        {decidedBy && decidedAt && (
          <Fact name={t(approval.state === 'refused' ? 'approvals.refusedBy' : 'approvals.approvedBy')}>
            {person(decidedBy)}, {date(decidedAt)}
          </Fact>
        )}
        {approval.note && <Fact name={t('approvals.note')}>{approval.note}</Fact>}
        {usedAt && <Fact name={t('approvals.usedAt')}>{date(usedAt)}</Fact>}
        {open && <Fact name={t('approvals.until')}>{date(approval.expiresAt)}</Fact>}
      </dl>
      {approval.state === 'approved' && approval.own && <p>{t('approvals.fetchNow')}</p>}
      {approval.decidable && <Decide approval={approval} onChanged={onChanged} />}
      {approval.own && open && <Withdraw approval={approval} onChanged={onChanged} />}
    </li>
  )
}

/** What is to be done, in words. */
function act(t: Translate, { action, about, start }: Approval): string {
  if (action === 'audit.export') return t('approvals.act.export', { start: String(start ?? 0) })
  if (action === 'audit.retention') return t('approvals.act.retention')
  return t('approvals.act.roles', { person: about ? person(about) : '' })
}

/** For how many days each category is kept. */
function days(t: Translate, { security, administration, conference }: NonNullable<Approval['keptBefore']>): string {
  return t('approvals.days', {
    security: String(security),
    administration: String(administration),
    conference: String(conference),
  })
}

function person({ id, name, email }: Approval['requestedBy']): string {
  return name ? `${name} (${email})` : id
}

function Fact({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <>
      <dt className="text-quiet">{name}</dt>
      <dd className="wrap-anywhere min-w-0" dir="auto">
        {children}
      </dd>
    </>
  )
}

function Decide({ approval, onChanged }: CardProps) {
  const t = useText()
  const deciding = useAction()
  const [note, setNote] = useState('')
  const decide = async (answer: 'approved' | 'refused') => {
    if (deciding.busy) return
    const request = { params: { path: { id: approval.id } }, body: { note: note.trim() } }
    const done = await deciding.run(() =>
      dataOf(
        answer === 'approved'
          ? api.PUT('/api/v1/approvals/{id}/approved', request)
          : api.PUT('/api/v1/approvals/{id}/refused', request),
      ),
    )
    if (done) await onChanged()
  }
  const wrong = fieldError(t, deciding.trouble, 'reason')
  return (
    <form noValidate onSubmit={event => event.preventDefault()} className="grid gap-3 border-line border-t pt-3">
      <TextField
        label={t('approvals.yourNote')}
        hint={t('approvals.yourNoteHint')}
        maxLength={300}
        value={note}
        error={wrong}
        onChange={event => setNote(event.currentTarget.value)}
      />
      {deciding.trouble && !wrong && <Problem trouble={deciding.trouble} />}
      <div className="flex flex-wrap gap-3">
        <Button look="primary" busy={deciding.busy} onClick={() => void decide('approved')}>
          {t('approvals.approve')}
        </Button>
        <Button look="dangerOutline" busy={deciding.busy} onClick={() => void decide('refused')}>
          {t('approvals.refuse')}
        </Button>
      </div>
    </form>
  )
}

function Withdraw({ approval, onChanged }: CardProps) {
  const t = useText()
  const withdrawing = useAction()
  const withdraw = async () => {
    const request = { params: { path: { id: approval.id } } }
    if (await withdrawing.run(() => dataOf(api.PUT('/api/v1/approvals/{id}/withdrawn', request)))) await onChanged()
  }
  return (
    <div className="grid gap-3">
      {withdrawing.trouble && <Problem trouble={withdrawing.trouble} />}
      <Button busy={withdrawing.busy} className="justify-self-start" onClick={() => void withdraw()}>
        {t('approvals.withdraw')}
      </Button>
    </div>
  )
}
