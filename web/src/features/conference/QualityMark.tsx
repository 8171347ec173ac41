import type { Quality } from '../../call/types'
import type { TextKey } from '../../i18n/i18n'
import { useText } from '../../i18n/react'

interface Mark {
  readonly text: TextKey
  /** How many of the three bars are full. */
  readonly bars: number
  readonly tone: string
}

const marks: Readonly<Record<Quality, Mark | undefined>> = {
  unknown: undefined,
  excellent: { text: 'quality.excellent', bars: 3, tone: 'text-quiet' },
  good: { text: 'quality.good', bars: 2, tone: 'text-quiet' },
  poor: { text: 'quality.poor', bars: 1, tone: 'text-warning' },
  lost: { text: 'quality.lost', bars: 0, tone: 'text-danger' },
}

/** How good somebody's line is: bars for the eye, words for the ear and the pointer. */
export function QualityMark({ quality }: { readonly quality: Quality }) {
  const t = useText()
  const mark = marks[quality]
  if (!mark) return null
  return (
    <span title={t(mark.text)} className={mark.tone}>
      <svg
        viewBox="0 0 14 14"
        aria-hidden="true"
        className="size-3.5 shrink-0"
        fill="currentColor"
        stroke="currentColor"
      >
        {[0, 1, 2].map(bar => (
          <rect
            key={bar}
            x={1 + bar * 4.5}
            y={8.5 - bar * 3.75}
            width="3"
            height={5 + bar * 3.75}
            rx="0.75"
            strokeWidth="0.75"
            fillOpacity={bar < mark.bars ? 1 : 0}
          />
        ))}
      </svg>
      <span className="sr-only">{t(mark.text)}</span>
    </span>
  )
}
