import { api, dataOf, type Provider } from '../../api/client'
import { useAction } from '../../api/resource'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Problem } from '../../ui/Problem'

interface ProvidersProps {
  readonly providers: readonly Provider[]
  /** The person has to prove anew who it is, even when still signed in there. */
  readonly again: boolean
  /** The path to go on to after signing in. */
  readonly next: string
}

/** The identity providers that have a page of their own to sign in on. */
export function Providers({ providers, again, next }: ProvidersProps) {
  const t = useText()
  const leaving = useAction()
  if (providers.length === 0) return null
  const leave = (provider: string) => async () => {
    if (leaving.busy) return
    await leaving.run(async () => {
      const request = { params: { path: { provider }, query: { next, again } } }
      const { address } = await dataOf(api.GET('/api/v1/providers/{provider}/sign-in', request))
      location.assign(address)
    })
  }
  return (
    <section aria-label={t('entry.providers')} className="grid gap-3">
      {leaving.trouble && <Problem trouble={leaving.trouble} />}
      {providers.map(({ id, label }) => (
        <Button key={id} size="large" busy={leaving.busy} onClick={leave(id)}>
          {t('entry.signInWith', { provider: label })}
        </Button>
      ))}
    </section>
  )
}
