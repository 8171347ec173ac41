import { LoaderCircle, Volume2 } from 'lucide-react'
import type { Call, CallSnapshot } from '../../call/types'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'

/** What needs attention now, above the stage: the line is lost, or the browser holds the sound back. */
export function Banners({ call, snapshot }: { readonly call: Call; readonly snapshot: CallSnapshot }) {
  const t = useText()
  return (
    <>
      {snapshot.phase.kind === 'reconnecting' && (
        <div className="mx-2 mt-1 flex items-center gap-3 rounded-lg border border-warning bg-warning-soft px-4 py-2">
          <LoaderCircle aria-hidden="true" className="size-5 shrink-0 animate-spin text-warning" />
          <p>{t('conference.reconnecting')}</p>
        </div>
      )}
      {snapshot.soundBlocked && (
        <div className="mx-2 mt-1 flex flex-wrap items-center gap-3 rounded-lg border border-warning bg-warning-soft px-4 py-2">
          <p className="min-w-0 flex-1 basis-60">{t('conference.soundBlocked')}</p>
          <Button look="primary" size="small" onClick={() => void call.startSound()}>
            <Volume2 aria-hidden="true" className="size-4" />
            {t('conference.startSound')}
          </Button>
        </div>
      )}
    </>
  )
}
