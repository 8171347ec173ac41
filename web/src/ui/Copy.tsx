import { Check, Copy as CopyIcon } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useText } from '../i18n/react'
import { Button } from './Button'
import { useNotify } from './Toasts'

/** How long the button says that it has copied, in milliseconds. */
const confirmation = 2_000

/** Copies a text; tells whether it did, and says it when the browser refused, in the words of `failure` if there are any. */
export function useCopy(): (text: string, failure?: string) => Promise<boolean> {
  const t = useText()
  const { toast } = useNotify()
  return async (text, failure) => {
    try {
      await navigator.clipboard.writeText(text)
      return true
    } catch {
      toast(failure ?? t('copy.failed', { text }), 'danger')
      return false
    }
  }
}

/** A button that copies a text and says so. */
export function CopyButton({
  text,
  label,
  size = 'medium',
  failure,
}: {
  readonly text: string
  readonly label: string
  /** Said when the browser refuses to copy, for a text that must not be repeated elsewhere on the page. */
  readonly failure?: string
  readonly size?: 'small' | 'medium'
}) {
  const t = useText()
  const { announce } = useNotify()
  const write = useCopy()
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), confirmation)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = async () => {
    if (!(await write(text, failure))) return
    setCopied(true)
    announce(t('copy.done'))
  }
  const Icon = copied ? Check : CopyIcon
  return (
    <Button size={size} onClick={() => void copy()}>
      <Icon aria-hidden="true" className="size-4 shrink-0" />
      {copied ? t('copy.done') : label}
    </Button>
  )
}
