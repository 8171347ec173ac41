import { KeyRound } from 'lucide-react'
import { api, dataOf } from '../../api/client'
import { passkeysWork, showPasskey } from '../../api/passkey'
import { useAction } from '../../api/resource'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Problem } from '../../ui/Problem'

/** Signs in with a passkey instead of e-mail and password. */
export function PasskeyButton({ onSignedIn }: { readonly onSignedIn: () => Promise<void> }) {
  const t = useText()
  const signing = useAction()
  const label = t('factor.usePasskey')
  if (label === '' || !passkeysWork()) return null // the chapter with this text is on its way
  const signIn = async () => {
    const ok = await signing.run(async () => {
      const { challenge, passkey = '' } = await dataOf(api.GET('/api/v1/session/passkey'))
      const body = { challenge, passkey: await showPasskey(passkey) }
      await dataOf(api.POST('/api/v1/session/passkey', { body }))
    })
    if (ok) await onSignedIn()
  }
  return (
    <div className="grid gap-4">
      <Button size="large" busy={signing.busy} onClick={() => void signIn()}>
        <KeyRound aria-hidden="true" className="size-5 shrink-0" />
        {label}
      </Button>
      {signing.trouble && <Problem trouble={signing.trouble} />}
    </div>
  )
}
