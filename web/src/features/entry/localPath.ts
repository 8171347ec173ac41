/** The path to go on to after signing in: only ever one of this site, `/` otherwise. */
export function localPath(wish: string | null): string {
  if (!wish?.startsWith('/')) return '/'
  const url = URL.canParse(wish, location.origin) ? new URL(wish, location.origin) : undefined
  return url?.origin === location.origin ? url.pathname : '/'
}
