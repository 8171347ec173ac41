import { CircleAlert, CircleCheck, CircleMinus, LoaderCircle } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Result } from './run'

interface RowProps {
  readonly title: string
  readonly result: Result
  /** The result in a word. */
  readonly word: string
  readonly children: ReactNode
}

/** One thing that was tried: what, how it went, and where it matters what to do. */
export function Row({ title, result, word, children }: RowProps) {
  return (
    <li className="flex items-start gap-3">
      <Icon result={result} />
      <div className="min-w-0">
        <p>
          <span className="font-semibold">{title}</span>
          {': '}
          {word}
        </p>
        {children && <p className="text-quiet">{children}</p>}
      </div>
    </li>
  )
}

const icons = {
  waiting: [CircleMinus, 'text-quiet'],
  running: [LoaderCircle, 'animate-spin text-quiet'],
  good: [CircleCheck, 'text-good'],
  bad: [CircleAlert, 'text-danger'],
  absent: [CircleMinus, 'text-quiet'],
  skipped: [CircleMinus, 'text-quiet'],
  ignored: [CircleAlert, 'text-quiet'],
} as const

/** The sign of a result; the words stand beside it. */
export function Icon({ result }: { readonly result: Result }) {
  const [Shape, tone] = icons[result]
  return <Shape aria-hidden="true" className={`mt-0.5 size-5 shrink-0 ${tone}`} />
}
