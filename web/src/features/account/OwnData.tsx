import { Download } from 'lucide-react'
import { useState } from 'react'
import { api, dataOf } from '../../api/client'
import { useAction } from '../../api/resource'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { Section } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { saveText } from '../../ui/secret'

/** Gives what is stored about oneself, as a file. */
export function OwnData() {
  const t = useText()
  const exporting = useAction()
  const [saved, setSaved] = useState<'whole' | 'part'>()
  const start = () =>
    exporting.run(async () => {
      setSaved(undefined)
      const text = await dataOf(api.POST('/api/v1/me/export', { parseAs: 'text' }))
      const whole = isComplete(text)
      saveText('konklave-data.json', text)
      setSaved(whole ? 'whole' : 'part')
    })
  return (
    <Section id="data" title={t('account.data')} intro={t('account.dataIntro')}>
      <p>{t('account.dataWithout')}</p>
      <Button busy={exporting.busy} className="justify-self-start" onClick={() => void start()}>
        <Download aria-hidden="true" className="size-4 shrink-0" />
        {t('account.dataDownload')}
      </Button>
      <p role="status" className="empty:hidden">
        {saved && t(saved === 'whole' ? 'account.dataSaved' : 'account.dataSavedPart')}
      </p>
      {exporting.trouble && <Problem trouble={exporting.trouble} />}
    </Section>
  )
}

/** Whether an export says that nothing is missing. Throws when it was cut off on the way. */
export function isComplete(text: string): boolean {
  const data: unknown = JSON.parse(text)
  return (data as { readonly complete?: unknown } | null)?.complete === true
}
