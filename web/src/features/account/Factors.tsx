import { useState } from 'react'
import { type AddedFactor, api, dataOf, type Factor, type Factors as FactorList, type NewApp } from '../../api/client'
import { makePasskey, passkeysWork } from '../../api/passkey'
import { useAction, useResource } from '../../api/resource'
import { formatDateTime } from '../../i18n/format'
import { useI18n, useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Loading, Section } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { AppDialog } from './AppDialog'
import { RecoveryCodesDialog } from './RecoveryCodesDialog'
import { RevocableRow } from './RevocableRow'

const load = (): Promise<FactorList> => dataOf(api.GET('/api/v1/me/factors'))

/** What proves who one is besides the password. */
export function Factors() {
  const t = useText()
  const factors = useResource(load)
  const acting = useAction()
  const [app, setApp] = useState<NewApp>()
  const [codes, setCodes] = useState<readonly string[]>()
  const added = async (made: AddedFactor) => {
    setApp(undefined)
    setCodes(made.recoveryCodes)
    await factors.reload()
  }
  const addApp = () => acting.run(async () => setApp(await dataOf(api.GET('/api/v1/me/factors/app'))))
  const addPasskey = () => acting.run(async () => added(await passkey(t('factor.passkeyName'))))
  const newCodes = () =>
    acting.run(async () => {
      setCodes((await dataOf(api.POST('/api/v1/me/recovery-codes'))).recoveryCodes)
      await factors.reload()
    })
  const list = factors.state === 'ready' ? factors.data : undefined
  return (
    <Section id="factors" title={t('factor.title')} intro={t('factor.intro')}>
      {factors.state === 'loading' && <Loading />}
      {factors.state === 'failed' && <Problem trouble={factors.trouble} />}
      {list && list.items.length > 0 && (
        <>
          <ul className="grid divide-y divide-line">
            {list.items.map(each => (
              <FactorRow key={each.id} factor={each} onRemoved={factors.reload} />
            ))}
          </ul>
          <p className="text-quiet">{t('factor.codesLeft', { count: list.recoveryCodes })}</p>
        </>
      )}
      {acting.trouble && <Problem trouble={acting.trouble} />}
      <div className="flex flex-wrap gap-3">
        <Button busy={acting.busy} onClick={() => void addApp()}>
          {t('factor.addApp')}
        </Button>
        {passkeysWork() && (
          <Button busy={acting.busy} onClick={() => void addPasskey()}>
            {t('factor.addPasskey')}
          </Button>
        )}
        {list && list.items.length > 0 && (
          <Button busy={acting.busy} onClick={() => void newCodes()}>
            {t('factor.newCodes')}
          </Button>
        )}
      </div>
      {app && <AppDialog app={app} onAdded={added} onClose={() => setApp(undefined)} />}
      {codes && <RecoveryCodesDialog codes={codes} onClose={() => setCodes(undefined)} />}
    </Section>
  )
}

/** Makes a passkey and adds it under the name. */
async function passkey(name: string): Promise<AddedFactor> {
  const { challenge, options } = await dataOf(api.GET('/api/v1/me/factors/passkey'))
  const body = { challenge, name, passkey: await makePasskey(options) }
  return dataOf(api.POST('/api/v1/me/factors/passkey', { body }))
}

interface FactorRowProps {
  readonly factor: Factor
  readonly onRemoved: () => Promise<void>
}

function FactorRow({ factor, onRemoved }: FactorRowProps) {
  const { t, language } = useI18n()
  const params = { path: { id: factor.id } }
  const kind = t(factor.kind === 'passkey' ? 'factor.passkeyName' : 'factor.appName')
  const date = formatDateTime(language, factor.usedAt ?? factor.createdAt)
  return (
    <RevocableRow
      title={factor.name === kind ? kind : `${factor.name} (${kind})`}
      detail={t(factor.usedAt ? 'factor.usedAt' : 'factor.addedAt', { date })}
      label={t('factor.remove')}
      revoke={() => dataOf(api.DELETE('/api/v1/me/factors/{id}', { params }))}
      onRevoked={onRemoved}
    />
  )
}
