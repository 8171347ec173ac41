import { useEffect, useState } from 'react'
import { useText } from '../../i18n/react'
import { CopyButton } from '../../ui/Copy'
import { type Bytes, fromBase64, textOf, toBase64 } from './verify/bytes'
import { leafHash } from './verify/merkle'
import type { Evidence } from './verify/verify'

/** The texts that prove an entry, for other programs. */
export function Proof({ evidence }: { readonly evidence: Evidence }) {
  const t = useText()
  const [hash, setHash] = useState('')
  const leaf = fromBase64(evidence.leaf ?? '')
  useEffect(() => {
    let gone = false
    const bytes: Bytes | undefined = fromBase64(evidence.leaf ?? '')
    if (bytes) void leafHash(bytes).then(found => !gone && setHash(toBase64(found)))
    return () => {
      gone = true
    }
  }, [evidence.leaf])
  const body = fromBase64(evidence.body ?? '')
  return (
    <details>
      <summary className="cursor-pointer py-1 font-semibold">{t('audit.proof')}</summary>
      <div className="grid gap-3 pt-2">
        <p className="text-quiet text-sm">{t('audit.proofIntro')}</p>
        {leaf && <Text name={t('audit.leafHash')} text={hash} />}
        {leaf && <Text name={t('audit.leafText')} text={textOf(leaf) ?? evidence.leaf ?? ''} />}
        {body && <Text name={t('audit.bodyText')} text={textOf(body) ?? evidence.body ?? ''} />}
        {evidence.proof && <Text name={t('audit.proofText')} text={evidence.proof} />}
      </div>
    </details>
  )
}

/** A text to copy. */
export function Text({ name, text }: { readonly name: string; readonly text: string }) {
  const t = useText()
  return (
    <div className="grid justify-items-start gap-1">
      <p className="font-semibold text-sm">{name}</p>
      <pre className="w-full whitespace-pre-wrap rounded-lg bg-raised p-3 text-sm wrap-anywhere">{text}</pre>
      <CopyButton size="small" text={text} label={t('audit.copy')} />
    </div>
  )
}
