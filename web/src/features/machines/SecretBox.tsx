import { useText } from '../../i18n/react'
import { CopyButton } from '../../ui/Copy'

/** The secret of a machine, which is shown only now, and what goes with it. */
export function SecretBox({ id, secret }: { readonly id: string; readonly secret: string }) {
  const t = useText()
  return (
    <div role="status" className="grid gap-2 rounded-lg border border-good bg-good-soft p-4">
      <p>{t('machines.secret')}</p>
      <p className="wrap-anywhere">
        client_id: <code>{id}</code>
      </p>
      <p className="wrap-anywhere">
        client_secret: <code>{secret}</code>
      </p>
      <div>
        <CopyButton size="small" text={secret} label={t('machines.copySecret')} />
      </div>
    </div>
  )
}
