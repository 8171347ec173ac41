import { type FormEvent, useState } from 'react'
import { api, dataOf, type Token } from '../../api/client'
import { useAction, useResource } from '../../api/resource'
import { formatDateTime } from '../../i18n/format'
import { useI18n, useText } from '../../i18n/react'
import { fieldError } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { CopyButton } from '../../ui/Copy'
import { TextField } from '../../ui/Field'
import { Loading, Section } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { RevocableRow } from './RevocableRow'

const load = async (): Promise<readonly Token[]> => (await dataOf(api.GET('/api/v1/me/tokens'))).items

/** Tokens by which programs use the account; a secret is shown once. */
export function Tokens() {
  const t = useText()
  const tokens = useResource(load)
  return (
    <Section id="tokens" title={t('account.tokens')} intro={t('account.tokensIntro')}>
      {tokens.state === 'loading' && <Loading />}
      {tokens.state === 'failed' && <Problem trouble={tokens.trouble} />}
      {tokens.state === 'ready' && tokens.data.length > 0 && (
        <ul className="grid divide-y divide-line">
          {tokens.data.map(each => (
            <TokenRow key={each.id} token={each} onRevoked={tokens.reload} />
          ))}
        </ul>
      )}
      <TokenForm onCreated={tokens.reload} />
    </Section>
  )
}

function TokenRow({ token, onRevoked }: { readonly token: Token; readonly onRevoked: () => Promise<void> }) {
  const { t, language } = useI18n()
  const params = { path: { id: token.id } }
  return (
    <RevocableRow
      title={token.name}
      detail={t('account.tokenExpires', { date: formatDateTime(language, token.expiresAt) })}
      label={t('account.revokeToken')}
      revoke={() => dataOf(api.DELETE('/api/v1/me/tokens/{id}', { params }))}
      onRevoked={onRevoked}
    />
  )
}

function TokenForm({ onCreated }: { readonly onCreated: () => Promise<void> }) {
  const t = useText()
  const creating = useAction()
  const [name, setName] = useState('')
  const [secret, setSecret] = useState<string>()
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (creating.busy) return
    const ok = await creating.run(async () => {
      const created = await dataOf(api.POST('/api/v1/me/tokens', { body: { name: name.trim() } }))
      setSecret(created.secret)
    })
    if (!ok) return
    setName('')
    await onCreated()
  }
  const error = fieldError(t, creating.trouble, 'name')
  return (
    <>
      {secret && (
        <div role="status" className="grid gap-2 rounded-lg border border-good bg-good-soft p-4">
          <p>{t('account.tokenSecret')}</p>
          <code className="wrap-anywhere">{secret}</code>
          <div>
            <CopyButton size="small" text={secret} label={t('account.copyToken')} />
          </div>
        </div>
      )}
      <form onSubmit={submit} noValidate className="grid gap-3">
        <TextField
          label={t('account.tokenName')}
          hint={t('account.tokenNameHint')}
          autoComplete="off"
          value={name}
          error={error}
          onChange={event => setName(event.currentTarget.value)}
        />
        {creating.trouble && !error && <Problem trouble={creating.trouble} />}
        <Button type="submit" busy={creating.busy} className="justify-self-start">
          {t('account.createToken')}
        </Button>
      </form>
    </>
  )
}
