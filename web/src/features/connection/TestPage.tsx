import { useEffect, useState } from 'react'
import { Shell } from '../../app/Shell'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { CopyButton } from '../../ui/Copy'
import { Page, Section } from '../../ui/Page'
import { type Devices, DeviceTest, untried } from './DeviceTest'
import { Icon, Row } from './Row'
import { reportOf } from './report'
import {
  type Check,
  checks,
  nothingYet,
  type Probes,
  type Result,
  type Results,
  realProbes,
  run,
  verdictOf,
} from './run'

/** Tells in plain words what works from here and what does not, before anybody waits in a meeting. */
export function TestPage({ probes = realProbes }: { readonly probes?: Probes }) {
  const t = useText()
  const [round, setRound] = useState(0)
  const [results, setResults] = useState<Results>(nothingYet)
  const [devices, setDevices] = useState<Devices>(untried)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another round runs the checks again
  useEffect(() => {
    const stop = new AbortController()
    setResults(nothingYet)
    void run(probes, setResults, stop.signal)
    return () => stop.abort()
  }, [probes, round])
  const verdict = verdictOf(results)
  return (
    <Shell>
      <Page title={t('connection.link')} intro={t('test.intro')}>
        <Summary results={results} />
        <Section title={t('test.connection')}>
          <ul className="grid gap-4">
            {checks.map(check => (
              <CheckRow key={check} check={check} result={results[check]} />
            ))}
          </ul>
        </Section>
        <DeviceTest devices={devices} onChange={setDevices} />
        {verdict && (
          <div className="flex flex-wrap items-center gap-3">
            <Button look="primary" onClick={() => setRound(round + 1)}>
              {t('test.again')}
            </Button>
            <CopyButton text={reportOf(t, results, devices)} label={t('test.copyReport')} />
            <p className="text-quiet text-sm">{t('test.private')}</p>
          </div>
        )}
      </Page>
    </Shell>
  )
}

const marks = { good: 'good', relayed: 'good', noMedia: 'bad', unknown: 'absent', bad: 'bad' } as const

const tones = {
  running: 'border-line bg-surface',
  absent: 'border-line bg-surface',
  good: 'border-good bg-good-soft',
  bad: 'border-danger bg-danger-soft',
} as const

/** One sentence on the whole, kept up to date for eyes and ears. */
function Summary({ results }: { readonly results: Results }) {
  const t = useText()
  const verdict = verdictOf(results)
  const running = checks.find(check => results[check] === 'running')
  const result = verdict === undefined ? 'running' : marks[verdict]
  return (
    <p role="status" className={`flex items-start gap-3 rounded-lg border p-4 text-lg ${tones[result]}`}>
      <Icon result={result} />
      <span>
        {verdict ? t(`test.verdict.${verdict}`) : t('test.running', { check: t(`test.${running ?? 'browser'}`) })}
      </span>
    </p>
  )
}

function CheckRow({ check, result }: { readonly check: Check; readonly result: Result }) {
  const t = useText()
  return (
    <Row title={t(`test.${check}`)} result={result} word={t(`test.result.${result}`)}>
      {result === 'bad' && t(`test.${check}.bad`)}
      {result === 'ignored' && t('test.relayTls.ignored')}
      {result === 'good' && check === 'udp' && t('test.udp.good')}
    </Row>
  )
}
