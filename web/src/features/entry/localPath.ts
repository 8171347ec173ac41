/** The path to go on to after signing in: only ever one of this site, `/` otherwise. */
export function localPath(wish: string | null): string {
  const path = wish?.startsWith('/') ? pathHere(wish) : undefined
  // A path may itself begin like an address of another host: what it leads to counts, not how it was written.
  return path !== undefined && pathHere(path) === path ? path : '/'
}

/** The path that an address leads to from a page of this site; undefined when it leads to another one. */
function pathHere(address: string): string | undefined {
  const { origin } = location
  const url = URL.canParse(address, origin) ? new URL(address, origin) : undefined
  return url?.origin === origin ? url.pathname : undefined
}
