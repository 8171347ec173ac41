/** The shape of a link id (docs/protocol.md). */
const id = /^[A-Za-z0-9_-]{1,64}$/

/** Finds the link id in what a person pasted: a whole address of any server name, a path, or the id alone. */
export function linkIn(text: string): string | undefined {
  const trimmed = text.trim()
  const path = /\/join\/([^/?#\s]+)/.exec(trimmed)
  const candidate = path?.[1] ?? trimmed
  return id.test(candidate) ? candidate : undefined
}
