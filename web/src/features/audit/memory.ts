/** The last checkpoint that this browser saw: five lines of text about the log, and nothing about anybody. */

const storageKey = 'konklave.audit.checkpoint'

export function keptCheckpoint(): string | undefined {
  try {
    return localStorage.getItem(storageKey) ?? undefined
  } catch {
    return undefined
  }
}

export function keepCheckpoint(note: string): void {
  try {
    localStorage.setItem(storageKey, note)
  } catch {
    // Without storage there is nothing to compare with the next time, which the page says then.
  }
}

export function forgetCheckpoint(): void {
  try {
    localStorage.removeItem(storageKey)
  } catch {
    // Nothing was kept.
  }
}
