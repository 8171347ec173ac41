/** Browsers and systems by their mark in a user agent; the more particular stands first. */
const browsers: readonly (readonly [RegExp, string])[] = [
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\//, 'Firefox'],
  [/Chrome\//, 'Chrome'],
  [/Safari\//, 'Safari'],
]

const systems: readonly (readonly [RegExp, string])[] = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
]

/** A user agent in words people know, such as "Firefox, Linux"; empty when it tells nothing. For display only. */
export function browserName(userAgent: string): string {
  const find = (list: typeof browsers) => list.find(([mark]) => mark.test(userAgent))?.[1]
  return [find(browsers), find(systems)].filter(Boolean).join(', ')
}

/** A shortened network address without its mask, such as "192.0.2.…"; nothing for the computer that the server runs on. */
export function networkName(source: string): string | undefined {
  const address = source.replace(/\/\d+$/, '')
  if (/^127\.|^::1?$/.test(address)) return undefined
  return address.replace(/\.0$/, '.…').replace(/::$/, ':…')
}
