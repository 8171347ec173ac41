import { CircleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { useText } from '../i18n/react'
import { describe, type Trouble } from '../problem/problem'
import { CopyButton } from './Copy'

/** Mistakes in typing: whoever made one needs no code and no id. */
const ordinary = new Set(['auth.failed', 'password.wrong', 'factor.failed', 'passkey.cancelled'])

interface ProblemProps {
  readonly trouble: Trouble
  /** What else there is to know. */
  readonly children?: ReactNode
}

/** What went wrong, said in place, with the id to copy. Read out when it appears. */
export function Problem({ trouble, children }: ProblemProps) {
  const t = useText()
  return (
    <div role="alert" className="flex gap-3 rounded-lg border border-danger bg-danger-soft p-4">
      <CircleAlert aria-hidden="true" className="mt-0.5 size-5 shrink-0 text-danger" />
      <div className="grid min-w-0 gap-2">
        <p>{describe(t, trouble)}</p>
        {children}
        {!ordinary.has(trouble.code) && <TroubleId trouble={trouble} />}
      </div>
    </div>
  )
}

/** The code and the id of a trouble, small. */
export function TroubleId({ trouble }: { readonly trouble: Trouble }) {
  const t = useText()
  return (
    <div className="grid justify-items-start gap-1 text-quiet text-sm">
      <span>
        {t('problem.code')} <code className="wrap-anywhere">{trouble.code}</code>
      </span>
      {trouble.id && (
        <>
          <span>
            {t('problem.id')} <code className="wrap-anywhere">{trouble.id}</code>
          </span>
          <CopyButton size="small" text={`${trouble.code} ${trouble.id}`} label={t('problem.copy')} />
        </>
      )}
    </div>
  )
}
