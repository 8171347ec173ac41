const storageKey = 'konklave.name'

/** The name a guest gave last in this browser. */
export function rememberedName(): string {
  try {
    return localStorage.getItem(storageKey) ?? ''
  } catch {
    return ''
  }
}

export function rememberName(name: string): void {
  try {
    localStorage.setItem(storageKey, name)
  } catch {
    // Without storage the name is asked for again.
  }
}
