import { Info } from 'lucide-react'
import { api, dataOf } from '../../api/client'
import { useResource } from '../../api/resource'
import { useText } from '../../i18n/react'

const loadInstance = () => dataOf(api.GET('/api/v1/instance'))

/** Before the first administrator exists, says where the set-up link is found. */
export function SetupHint() {
  const t = useText()
  const instance = useResource(loadInstance)
  if (instance.state !== 'ready' || !instance.data.setupNeeded) return null
  return (
    <p className="flex gap-3 rounded-lg border border-warning bg-warning-soft p-4">
      <Info aria-hidden="true" className="mt-0.5 size-5 shrink-0 text-warning" />
      {t('start.setupNeeded')}
    </p>
  )
}
