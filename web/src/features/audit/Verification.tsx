import { CircleCheck, CircleHelp, CircleX, ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import type { AuditEntry } from '../../api/client'
import { useAction } from '../../api/resource'
import type { TextKey } from '../../i18n/i18n'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Problem } from '../../ui/Problem'
import { useNotify } from '../../ui/Toasts'
import { fetchEvidence } from './evidence'
import { keepCheckpoint, keptCheckpoint } from './memory'
import { Proof } from './Proof'
import { saysTheSame } from './same'
import { type Evidence, type Report, type Step, verify } from './verify/verify'

interface Result {
  readonly report: Report
  readonly evidence: Evidence
}

/** A button that has this browser verify an entry, and what came of it. */
export function Verification({ entry }: { readonly entry: AuditEntry }) {
  const t = useText()
  const { index } = entry
  const verifying = useAction()
  const [result, setResult] = useState<Result>()
  const start = () =>
    verifying.run(async () => {
      setResult(undefined)
      const evidence = await fetchEvidence(index, keptCheckpoint())
      const report = saysTheSame(entry, await verify(evidence))
      if (report.verdict !== 'broken' && report.note && !isAnother(report)) keepCheckpoint(report.note)
      setResult({ report, evidence })
    })
  return (
    <div className="grid justify-items-start gap-3">
      <Button busy={verifying.busy} aria-label={t('audit.verifyOf', { index })} onClick={() => void start()}>
        <ShieldCheck aria-hidden="true" className="size-4 shrink-0" />
        {t('audit.verify')}
      </Button>
      <div role="status" className="grid w-full gap-3">
        {verifying.busy && t('audit.verifying')}
        {result && <Outcome {...result} />}
        {verifying.trouble && <p className="font-semibold">{t('audit.verdict.unknown')}</p>}
        {verifying.trouble && <p>{t('audit.verdict.failed')}</p>}
      </div>
      {verifying.trouble && <Problem trouble={verifying.trouble} />}
    </div>
  )
}

/** Whether what this browser kept is of another log, or cannot be read: only a person can say that this is right. */
function isAnother({ steps }: Report): boolean {
  return steps.some(each => each.check === 'growth' && (each.reason === 'another' || each.reason === 'unreadable'))
}

const verdicts = {
  intact: ['border-accent', CircleCheck, 'text-accent'],
  broken: ['border-danger bg-danger-soft', CircleX, 'text-danger'],
  unknown: ['border-warning', CircleHelp, 'text-warning'],
} as const

function Outcome({ report, evidence }: Result) {
  const t = useText()
  const [frame, Icon, tone] = verdicts[report.verdict]
  return (
    <div data-verdict={report.verdict} className={`grid gap-3 rounded-lg border-2 p-4 ${frame}`}>
      <p className="flex items-center gap-2 font-bold text-lg">
        <Icon aria-hidden="true" className={`size-6 shrink-0 ${tone}`} />
        {t(`audit.verdict.${report.verdict}` as TextKey)}
      </p>
      <p>{t(`audit.verdict.${report.verdict}.text` as TextKey, { index: evidence.index })}</p>
      <ul className="grid gap-2">
        {report.steps.map(each => (
          <StepRow key={each.check} step={each} />
        ))}
      </ul>
      {isAnother(report) && report.note && <Accept note={report.note} />}
      <Proof evidence={evidence} />
    </div>
  )
}

const marks = {
  good: [CircleCheck, 'text-accent'],
  bad: [CircleX, 'text-danger'],
  unknown: [CircleHelp, 'text-warning'],
  none: [CircleHelp, 'text-quiet'],
} as const

function StepRow({ step: { check, state, reason } }: { readonly step: Step }) {
  const t = useText()
  const [Icon, tone] = marks[state]
  return (
    <li data-check={check} data-state={state} className="flex gap-2">
      <Icon aria-hidden="true" className={`mt-0.5 size-5 shrink-0 ${tone}`} />
      <div className="min-w-0">
        <p className="font-semibold">
          {t(`audit.check.${check}` as TextKey)}
          <span className="sr-only">: {t(`audit.result.${state}` as TextKey)}</span>
        </p>
        <p className={state === 'bad' ? 'text-danger' : ''}>{t(`audit.check.${check}.${reason}` as TextKey)}</p>
      </div>
    </li>
  )
}

function Accept({ note }: { readonly note: string }) {
  const t = useText()
  const { toast } = useNotify()
  const accept = () => {
    keepCheckpoint(note)
    toast(t('audit.accepted'))
  }
  return (
    <Button className="justify-self-start" onClick={accept}>
      {t('audit.accept')}
    </Button>
  )
}
