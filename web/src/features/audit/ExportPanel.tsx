import { Download } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { api, dataOf } from '../../api/client'
import { useAction } from '../../api/resource'
import { useI18n } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Problem } from '../../ui/Problem'

const command = 'konklave audit verify --key log.key export/'

/** Downloads the whole log, and says what to do with it. */
export function ExportPanel() {
  const { t, language } = useI18n()
  const exporting = useAction()
  const [end, setEnd] = useState(0)
  const [files, setFiles] = useState(0)
  const start = () =>
    exporting.run(async () => {
      setFiles(0)
      setEnd(0)
      for (let from = 0, count = 0; ; count++) {
        const text = await dataOf(api.GET('/api/v1/audit/export', { params: { query: { from } }, parseAs: 'text' }))
        const next = endOf(text)
        if (next === from) return setFiles(count)
        save(fileName(from, next), text)
        setEnd(next)
        from = next
      }
    })
  return (
    <div className="grid justify-items-start gap-4">
      <Button busy={exporting.busy} onClick={() => void start()}>
        <Download aria-hidden="true" className="size-4 shrink-0" />
        {t('audit.export.start')}
      </Button>
      <p role="status" className="empty:hidden">
        {exporting.busy && t('audit.export.progress', { end: new Intl.NumberFormat(language).format(end) })}
        {files > 0 && !exporting.busy && t('audit.export.done', { count: files })}
      </p>
      {exporting.trouble && <Problem trouble={exporting.trouble} />}
      <ol className="grid list-decimal gap-2 pl-5">
        <li>{t('audit.export.step1')}</li>
        <li>{t('audit.export.step2')}</li>
        <li>
          {t('audit.export.step3')}
          <pre className="mt-1 whitespace-pre-wrap rounded-lg bg-raised p-3 text-sm wrap-anywhere">
            {unbroken(command)}
          </pre>
        </li>
        <li>{unbroken(t('audit.export.step4'))}</li>
      </ol>
      <p>{t('audit.export.keep')}</p>
    </div>
  )
}

/** A text in which no option of a command, such as --since, is broken at its hyphens. */
function unbroken(text: string): ReactNode {
  return text.split(/(--\w+)/).map(part =>
    part.startsWith('--') ? (
      <span key={part} className="whitespace-nowrap">
        {part}
      </span>
    ) : (
      part
    ),
  )
}

/** Where a segment ends, as its last line says. Throws when it was cut off on the way. */
export function endOf(segment: string): number {
  const line: unknown = JSON.parse(segment.trimEnd().split('\n').at(-1) ?? '')
  const end = line as { readonly type?: unknown; readonly size?: unknown }
  if (end.type !== 'end' || typeof end.size !== 'number') throw new Error('the export was cut off')
  return end.size
}

/** The name that a segment has in an export that the server itself writes. */
export function fileName(from: number, end: number): string {
  const digits = (n: number) => String(n).padStart(15, '0')
  return `audit-${digits(from)}-${digits(end)}.ndjson`
}

function save(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/x-ndjson' }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  URL.revokeObjectURL(address)
}
