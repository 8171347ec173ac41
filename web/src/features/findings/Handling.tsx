import { type FormEvent, useState } from 'react'
import { api, dataOf, type Finding, troubleOf, type User } from '../../api/client'
import { useAction } from '../../api/resource'
import { formatDateTime } from '../../i18n/format'
import { useI18n } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Problem } from '../../ui/Problem'

const longestNote = 500

interface HandlingProps {
  readonly finding: Finding
  readonly users: ReadonlyMap<string, User>
  readonly handles: boolean
  readonly onChanged: () => void
}

/** What has become of a finding, and for who may the buttons that change it. */
export function Handling({ finding, users, handles, onChanged }: HandlingProps) {
  const { t, language } = useI18n()
  const [closing, setClosing] = useState(false)
  const changing = useAction()
  const { state, version, note, handledBy = '', handledAt } = finding
  const change = async (next: Finding['state'], text?: string) => {
    const params = { path: { id: finding.id } }
    const body = { version, state: next, ...(text !== undefined && { note: text }) }
    const act = () =>
      dataOf(api.PATCH('/api/v1/findings/{id}', { params, body })).catch(caught => {
        if (troubleOf(caught).code === 'finding.changed') onChanged() // to see what somebody else has done
        throw caught
      })
    if (await changing.run(act)) {
      setClosing(false)
      onChanged()
    }
  }
  const who = users.get(handledBy)?.name ?? t('findings.somebody')
  return (
    <div className="grid gap-2">
      {state !== 'open' && handledAt && (
        <p className="wrap-anywhere">
          {t(state === 'taken' ? 'findings.taken' : 'findings.closed', {
            name: who,
            date: formatDateTime(language, handledAt),
          })}
          {note && <span className="block">{note}</span>}
        </p>
      )}
      {changing.trouble && !closing && <Problem trouble={changing.trouble} />}
      {handles && !closing && (
        <p className="flex flex-wrap gap-2">
          {state === 'open' && (
            <Button busy={changing.busy} onClick={() => void change('taken')}>
              {t('findings.take')}
            </Button>
          )}
          {state !== 'closed' && <Button onClick={() => setClosing(true)}>{t('findings.close')}</Button>}
          {state === 'closed' && (
            <Button busy={changing.busy} onClick={() => void change('open')}>
              {t('findings.reopen')}
            </Button>
          )}
        </p>
      )}
      {closing && (
        <NoteForm
          busy={changing.busy}
          trouble={changing.trouble}
          onNote={text => void change('closed', text)}
          onCancel={() => setClosing(false)}
        />
      )}
    </div>
  )
}

interface NoteFormProps {
  readonly busy: boolean
  readonly trouble: ReturnType<typeof useAction>['trouble']
  readonly onNote: (note: string) => void
  readonly onCancel: () => void
}

function NoteForm({ busy, trouble, onNote, onCancel }: NoteFormProps) {
  const { t } = useI18n()
  const [note, setNote] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onNote(note)
  }
  const wrong = trouble && fieldError(t, trouble, 'note')
  return (
    <form className="grid gap-2" onSubmit={submit}>
      {trouble && !wrong && <Problem trouble={trouble} />}
      <TextField
        label={t('findings.note')}
        hint={t('findings.noteHint')}
        error={wrong}
        value={note}
        maxLength={longestNote}
        autoFocus
        onChange={event => setNote(event.target.value)}
      />
      <p className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" busy={busy}>
          {t('findings.closeNow')}
        </Button>
        <Button onClick={onCancel}>{t('action.cancel')}</Button>
      </p>
    </form>
  )
}
