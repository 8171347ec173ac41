import type { ReactNode } from 'react'
import { useAction } from '../../api/resource'
import { Button } from '../../ui/Button'
import { Problem } from '../../ui/Problem'

interface RevocableRowProps {
  readonly title: ReactNode
  readonly detail: string
  /** What the button says; without it there is none. */
  readonly label?: string | undefined
  readonly revoke: () => Promise<unknown>
  readonly onRevoked: () => Promise<void>
}

/** One line of a list of ways into the account, with the button that closes it. */
export function RevocableRow({ title, detail, label, revoke, onRevoked }: RevocableRowProps) {
  const revoking = useAction()
  const close = async () => {
    if (await revoking.run(revoke)) await onRevoked()
  }
  return (
    <li className="grid gap-2 py-3 first:pt-0 last:pb-0">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <div className="min-w-0">
          <p className="wrap-anywhere">{title}</p>
          <p className="text-quiet text-sm">{detail}</p>
        </div>
        {label && (
          <Button look="dangerQuiet" size="small" busy={revoking.busy} onClick={() => void close()}>
            {label}
          </Button>
        )}
      </div>
      {revoking.trouble && <Problem trouble={revoking.trouble} />}
    </li>
  )
}
