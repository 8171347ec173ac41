import { type ReactNode, useState } from 'react'
import { api, dataOf, type Finding } from '../../api/client'
import { useI18n } from '../../i18n/react'
import { networkName } from '../account/browser'

/** What a finding rests on; where its entries stand in the audit log is asked for when it is opened. */
export function EvidenceList({ finding }: { readonly finding: Finding }) {
  const { t, language } = useI18n()
  const [numbers, setNumbers] = useState<readonly number[]>([])
  const { sources = [], entries = [], sessions = [], countries = [], ...rest } = finding.evidence
  const names = sources.map(each => (each.startsWith('device:') ? t('findings.device') : (networkName(each) ?? each)))
  const nameOf = (code: string) =>
    new Intl.DisplayNames(language, { type: 'region', fallback: 'code' }).of(code) ?? code
  const {
    requests = 0,
    usual = 0,
    acts = 0,
    kilometres = 0,
    minutes = 0,
    hour,
    conference,
    agent,
    token,
    machine,
  } = rest
  const ask = async () => {
    const params = { path: { id: finding.id } }
    const known = await dataOf(api.GET('/api/v1/findings/{id}', { params })).catch(() => undefined)
    setNumbers(known?.numbers ?? [])
  }
  const lines: readonly ReactNode[] = [
    names.length > 0 && t('findings.sources', { sources: names.join(', ') }),
    countries.length > 0 && t('findings.countries', { countries: countries.map(nameOf).join(' ← ') }),
    kilometres > 0 && t('findings.travel', { kilometres, minutes }),
    requests > 0 && t('findings.requests', { requests, usual }),
    acts > 0 && t('findings.acts', { acts }),
    hour && t('findings.hour', { hour }),
    conference && t('findings.conference', { id: conference }),
    token && t('findings.token', { id: token }),
    machine && t('findings.machine', { id: machine }),
    sessions.length > 0 && t('findings.sessions', { ids: sessions.join(', ') }),
    agent,
  ]
  return (
    <details onToggle={event => event.currentTarget.open && entries.length > 0 && void ask()}>
      <summary className="cursor-pointer py-1 font-semibold">{t('findings.evidence')}</summary>
      <ul className="grid list-disc gap-1 pt-1 pl-5 wrap-anywhere">
        {lines.map((line, i) => line && <li key={keys[i]}>{line}</li>)}
        {entries.length > 0 && (
          <li>
            {t('findings.entries', { count: entries.length })}
            <ul className="text-quiet text-sm">
              {entries.map((each, i) => (
                <li key={each}>
                  {(numbers[i] ?? -1) >= 0 && <>{t('findings.number', { number: String(numbers[i]) })} </>}
                  <code>{each}</code>
                </li>
              ))}
            </ul>
          </li>
        )}
      </ul>
    </details>
  )
}

const keys = [
  'sources',
  'countries',
  'travel',
  'requests',
  'acts',
  'hour',
  'conference',
  'token',
  'machine',
  'sessions',
  'agent',
]
