import { type LucideIcon, Wifi, WifiHigh, WifiLow, WifiOff } from 'lucide-react'
import type { Quality } from '../../call/types'
import type { TextKey } from '../../i18n/i18n'
import { useText } from '../../i18n/react'

interface Mark {
  readonly text: TextKey
  readonly icon: LucideIcon
  readonly tone: string
}

const marks: Readonly<Record<Quality, Mark | undefined>> = {
  unknown: undefined,
  excellent: { text: 'quality.excellent', icon: Wifi, tone: 'text-quiet' },
  good: { text: 'quality.good', icon: WifiHigh, tone: 'text-quiet' },
  poor: { text: 'quality.poor', icon: WifiLow, tone: 'text-warning' },
  lost: { text: 'quality.lost', icon: WifiOff, tone: 'text-danger' },
}

/** How good somebody's line is: a sign for the eye, words for the ear and the pointer. */
export function QualityMark({ quality }: { readonly quality: Quality }) {
  const t = useText()
  const mark = marks[quality]
  if (!mark) return null
  const Icon = mark.icon
  return (
    <span title={t(mark.text)} className={mark.tone}>
      <Icon aria-hidden="true" className="size-4 shrink-0" />
      <span className="sr-only">{t(mark.text)}</span>
    </span>
  )
}
