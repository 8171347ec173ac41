/** A stretch of a message: plain text, or an address to open. */
export interface Stretch {
  /** Where it begins in the message. */
  readonly at: number
  readonly text: string
  readonly href?: string
}

const address = /https?:\/\/[^\s<>"']+/g

/** Punctuation at the end of an address belongs to the sentence. */
const trailing = /[.,;:!?)\]}]+$/

/** Finds web addresses in a message. Only http and https become links; everything else stays text. */
export function stretches(text: string): readonly Stretch[] {
  const found: Stretch[] = []
  let end = 0
  for (const match of text.matchAll(address)) {
    const link = match[0].replace(trailing, '')
    if (!URL.canParse(link)) continue
    if (match.index > end) found.push({ at: end, text: text.slice(end, match.index) })
    found.push({ at: match.index, text: link, href: link })
    end = match.index + link.length
  }
  if (end < text.length) found.push({ at: end, text: text.slice(end) })
  return found
}
