import { Check, Download, Printer } from 'lucide-react'
import { useEffect, useId, useState } from 'react'
import { formatDateTime } from '../../i18n/format'
import { useI18n } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { CopyButton } from '../../ui/Copy'
import { Page } from '../../ui/Page'
import { groups, saveText } from '../../ui/secret'

/** How every age identity begins; it need not be read letter by letter. */
const prefix = /^AGE-SECRET-KEY-1/

/** Characters in a group of the rest of the key. */
const groupSize = 4

interface RecoveryKeyPageProps {
  /** An age identity. It lives in this page's memory alone. */
  readonly recoveryKey: string
  readonly onDone: () => Promise<void>
}

/** Shows the recovery key this once and goes on when it is said to be in a safe place. */
export function RecoveryKeyPage({ recoveryKey, onDone }: RecoveryKeyPageProps) {
  const { t, language } = useI18n()
  const id = useId()
  const [stored, setStored] = useState(false)
  const [reminded, setReminded] = useState(false)
  const [busy, setBusy] = useState(false)
  useAskBeforeLeaving(!stored)
  const download = () => {
    const date = formatDateTime(language, new Date().toISOString())
    saveText(t('recovery.fileName'), fileOf(recoveryKey, t('recovery.fileText', { address: location.origin, date })))
  }
  const goOn = () => {
    if (!stored) {
      setReminded(true)
      document.getElementById(id)?.focus()
      return
    }
    setBusy(true)
    void onDone()
  }
  return (
    <Page title={t('recovery.title')} intro={t('recovery.intro')}>
      <section
        aria-label={t('recovery.key')}
        className="grid gap-4 rounded-xl border border-line bg-surface p-5 print:border-0 print:p-0"
      >
        <KeyBlock recoveryKey={recoveryKey} />
        <div className="flex flex-wrap gap-3 print:hidden">
          <CopyButton text={recoveryKey} label={t('recovery.copy')} failure={t('recovery.copyFailed')} />
          <Button onClick={download}>
            <Download aria-hidden="true" className="size-4 shrink-0" />
            {t('recovery.download')}
          </Button>
          <Button onClick={() => print()}>
            <Printer aria-hidden="true" className="size-4 shrink-0" />
            {t('recovery.print')}
          </Button>
        </div>
        <p className="text-quiet">{t('recovery.advice')}</p>
        <p className="hidden print:block">{location.origin}</p>
      </section>
      <div className="grid gap-1.5 print:hidden">
        <label className="relative flex min-h-11 cursor-pointer items-center gap-3 font-semibold">
          <input
            id={id}
            type="checkbox"
            checked={stored}
            aria-describedby={reminded && !stored ? `${id}-reminder` : undefined}
            onChange={event => setStored(event.currentTarget.checked)}
            className="peer size-6 shrink-0 cursor-pointer appearance-none rounded border-2 border-control bg-surface checked:border-accent checked:bg-accent forced-colors:appearance-auto"
          />
          <Check
            aria-hidden="true"
            className="pointer-events-none invisible absolute left-0.5 size-5 text-on-accent peer-checked:visible forced-colors:hidden"
          />
          {t('recovery.stored')}
        </label>
        <p id={`${id}-reminder`} role="status" className="text-danger text-sm">
          {reminded && !stored && t('recovery.confirmFirst')}
        </p>
      </div>
      <Button look="primary" size="large" busy={busy} onClick={goOn} className="print:hidden">
        {t('recovery.goOn')}
      </Button>
    </Page>
  )
}

/** The key in groups that the eye can follow; selected and copied, it is one piece. */
function KeyBlock({ recoveryKey }: { readonly recoveryKey: string }) {
  const start = prefix.exec(recoveryKey)?.[0] ?? ''
  return (
    <code
      translate="no"
      data-recovery-key
      className="block rounded-lg border border-control bg-canvas p-4 text-lg leading-relaxed"
    >
      {[start, ...groups(recoveryKey.slice(start.length), groupSize)].map((group, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the groups of a key never change places
        <span key={index} className="mr-3 inline-block">
          {group}
        </span>
      ))}
    </code>
  )
}

/** A file that age takes as an identity: the key on the first line, what it is in comments below. */
export function fileOf(recoveryKey: string, text: string): string {
  const comments = text.split('\n').map(line => `# ${line}\n`)
  return `${recoveryKey}\n${comments.join('')}`
}

/** Has the browser ask before the page is left, as long as `active`. */
function useAskBeforeLeaving(active: boolean): void {
  useEffect(() => {
    if (!active) return
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [active])
}
