import { type FormEvent, type ReactNode, useId, useState } from 'react'
import { api, dataOf, type Meeting } from '../../api/client'
import { useAction } from '../../api/resource'
import { useText } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { SwitchField, TextField } from '../../ui/Field'
import { Problem } from '../../ui/Problem'

/** The longest title in characters, as the server counts them. */
const maxTitleLength = 200

interface DialogProps {
  readonly onDone: () => Promise<void>
  readonly onClose: () => void
}

interface TitleFormProps extends DialogProps {
  readonly heading: string
  readonly submit: string
  readonly initial: string
  readonly save: (title: string) => Promise<unknown>
  readonly children?: ReactNode
}

/** A dialog whose main part is a title. */
function TitleForm({ heading, submit, initial, save, onDone, onClose, children }: TitleFormProps) {
  const t = useText()
  const form = useId()
  const saving = useAction()
  const [title, setTitle] = useState(initial)
  const onSubmit = async (event: FormEvent) => {
    event.preventDefault()
    if (!saving.busy && (await saving.run(() => save(title.trim())))) await onDone()
  }
  const error = fieldError(t, saving.trouble, 'title')
  return (
    <Dialog
      title={heading}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button type="submit" form={form} look="primary" busy={saving.busy}>
            {submit}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={onSubmit} noValidate className="grid gap-4">
        <TextField
          label={t('start.titleField')}
          data-autofocus
          maxLength={maxTitleLength}
          value={title}
          error={error}
          onChange={event => setTitle(event.currentTarget.value)}
        />
        {children}
        {saving.trouble && !error && <Problem trouble={saving.trouble} />}
      </form>
    </Dialog>
  )
}

/** Creates a meeting under a title. */
export function CreateDialog({ onDone, onClose }: DialogProps) {
  const t = useText()
  const [guestsAllowed, setGuestsAllowed] = useState(true)
  return (
    <TitleForm
      heading={t('start.create')}
      submit={t('start.createSubmit')}
      initial=""
      save={title => dataOf(api.POST('/api/v1/meetings', { body: { ...(title && { title }), guestsAllowed } }))}
      onDone={onDone}
      onClose={onClose}
    >
      <SwitchField
        label={t('start.guests')}
        hint={t('start.guestsHint')}
        checked={guestsAllowed}
        onChange={event => setGuestsAllowed(event.currentTarget.checked)}
      />
    </TitleForm>
  )
}

/** Gives a meeting another title. */
export function RenameDialog({ meeting, onDone, onClose }: DialogProps & { readonly meeting: Meeting }) {
  const t = useText()
  const params = { path: { id: meeting.id } }
  return (
    <TitleForm
      heading={t('start.renameTitle')}
      submit={t('action.save')}
      initial={meeting.title}
      save={title => dataOf(api.PATCH('/api/v1/meetings/{id}', { params, body: { title } }))}
      onDone={onDone}
      onClose={onClose}
    />
  )
}

/** Deletes a meeting, after naming what that means. */
export function DeleteDialog({ meeting, onDone, onClose }: DialogProps & { readonly meeting: Meeting }) {
  const t = useText()
  const deleting = useAction()
  const params = { path: { id: meeting.id } }
  const confirm = async () => {
    if (await deleting.run(() => dataOf(api.DELETE('/api/v1/meetings/{id}', { params })))) await onDone()
  }
  return (
    <Dialog
      title={t('start.deleteTitle')}
      onClose={onClose}
      actions={
        <>
          <Button data-autofocus onClick={onClose}>
            {t('action.cancel')}
          </Button>
          <Button look="danger" busy={deleting.busy} onClick={() => void confirm()}>
            {t('start.deleteConfirm')}
          </Button>
        </>
      }
    >
      <p className="wrap-anywhere">{t('start.deleteText', { title: meeting.title })}</p>
      {deleting.trouble && <Problem trouble={deleting.trouble} />}
    </Dialog>
  )
}
