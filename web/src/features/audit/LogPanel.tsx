import { TriangleAlert } from 'lucide-react'
import { useEffect, useState } from 'react'
import { ApiError, type AuditCheckpoint, api, dataOf } from '../../api/client'
import { useResource } from '../../api/resource'
import { useI18n, useText } from '../../i18n/react'
import { Loading, Section } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { Text } from './Proof'
import { sha256, toHex, utf8 } from './verify/bytes'
import { exactTime } from './words'

/** Nothing while the log has not been signed. */
async function load(): Promise<AuditCheckpoint | undefined> {
  try {
    return await dataOf(api.GET('/api/v1/audit/checkpoint'))
  } catch (caught) {
    if (caught instanceof ApiError && caught.trouble.code === 'checkpoint.none') return undefined
    throw caught
  }
}

/** How soon a log that is not signed yet is looked at again, in milliseconds. */
const again = 5_000

/** How the log is known: its key, the newest checkpoint, and who watches over it. */
export function LogPanel() {
  const { t, language } = useI18n()
  const checkpoint = useResource(load)
  const { reload } = checkpoint
  const waits = checkpoint.state === 'ready' && !checkpoint.data
  useEffect(() => {
    if (!waits) return
    const timer = setInterval(() => void reload(), again)
    return () => clearInterval(timer)
  }, [waits, reload])
  return (
    <Section title={t('audit.log')} intro={t('audit.log.intro')}>
      {checkpoint.state === 'loading' && <Loading />}
      {checkpoint.state === 'failed' && <Problem trouble={checkpoint.trouble} />}
      {checkpoint.state === 'ready' && !checkpoint.data && <p>{t('audit.log.unsigned')}</p>}
      {checkpoint.state === 'ready' && checkpoint.data && (
        <>
          <PublicKey text={checkpoint.data.keys.at(-1) ?? ''} />
          <p className="wrap-anywhere">
            {t('audit.log.state', {
              size: new Intl.NumberFormat(language).format(checkpoint.data.size),
              root: checkpoint.data.root,
            })}
          </p>
          <Witnesses checkpoint={checkpoint.data} />
        </>
      )}
    </Section>
  )
}

function PublicKey({ text }: { readonly text: string }) {
  const t = useText()
  const [fingerprint, setFingerprint] = useState('')
  useEffect(() => {
    let gone = false
    const show = async () => {
      const hex = toHex(await sha256(utf8(text)))
      if (!gone) setFingerprint(hex.replace(/(.{4})(?=.)/g, '$1 '))
    }
    void show()
    return () => {
      gone = true
    }
  }, [text])
  return (
    <div className="grid gap-3">
      <Text name={t('audit.log.key')} text={text} />
      <Text name={t('audit.log.fingerprint')} text={fingerprint} />
    </div>
  )
}

function Witnesses({ checkpoint }: { readonly checkpoint: AuditCheckpoint }) {
  const { t, language } = useI18n()
  const names = checkpoint.witnessKeys.map(key => key.split('+')[0] ?? key)
  if (names.length === 0) {
    return (
      <div className="flex gap-3 rounded-lg border border-warning p-4">
        <TriangleAlert aria-hidden="true" className="mt-0.5 size-5 shrink-0 text-warning" />
        <div className="grid gap-1">
          <p className="font-semibold">{t('audit.log.noWitness')}</p>
          <p>{t('audit.log.noWitnessText')}</p>
        </div>
      </div>
    )
  }
  return (
    <ul className="grid gap-1">
      {names.map(name => {
        const at = checkpoint.witnesses.find(each => each.witness === name)?.at
        return (
          <li key={name} className="wrap-anywhere">
            {at
              ? t('audit.log.witness', { name, date: exactTime(language, at) })
              : t('audit.log.witnessLate', { name })}
          </li>
        )
      })}
    </ul>
  )
}
