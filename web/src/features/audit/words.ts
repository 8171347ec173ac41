/** Entries of the audit log in words. */
import type { AuditEntry, User } from '../../api/client'
import { formatDateTime } from '../../i18n/format'
import type { Language, TextKey, Translate } from '../../i18n/i18n'
import { networkName } from '../account/browser'
import { roles } from '../account/roles'
import kinds from './kinds.json'

/** What an entry tells, from the list or out of its verified bytes. */
export type Told = Pick<
  AuditEntry,
  'kind' | 'outcome' | 'actorKind' | 'actorId' | 'actorUser' | 'objectKind' | 'objectId' | 'details'
>

export type Users = ReadonlyMap<string, User>

/** The kinds of entries by topic, for a list to choose from. */
export const topics: readonly (readonly [topic: string, kinds: readonly string[]])[] = Object.entries(kinds)

/** A text whose key is put together; nothing when this client has none. */
const text = (t: Translate, key: string): string => t(key as TextKey)

/** What happened, in one sentence. */
export function sentence(t: Translate, entry: Told, users: Users): string {
  const parameters = { actor: actorName(t, entry, users), object: objectName(t, entry, users) }
  const failed = entry.outcome === 'failure' && entry.kind === 'backup.made'
  return t(`audit.${failed ? 'failed' : 'did'}.${entry.kind}` as TextKey, parameters) || entry.kind || ''
}

export function actorName(t: Translate, { actorKind, actorId, actorUser }: Told, users: Users): string {
  const name = users.get(actorUser ?? '')?.name ?? (actorUser ? t('audit.who.account') : t('audit.who.erased'))
  switch (actorKind) {
    case 'system':
      return actorId === 'command-line' ? t('audit.who.commandLine') : t('audit.who.server')
    case 'worker':
      return t('audit.who.worker')
    case 'machine':
      return t('audit.who.machine')
    case 'guest':
      return t('audit.who.guest')
    case 'anonymous':
      return t('audit.who.anonymous')
    case 'token':
      return actorUser ? t('audit.who.token', { name }) : name
    default:
      return name
  }
}

/** The name of the account that an entry is about, else the id of what it is about. */
export function objectName(t: Translate, { objectKind, objectId }: Told, users: Users): string {
  if (!objectId) return objectKind === 'user' ? '?' : ''
  return users.get(objectId)?.name ?? (objectKind === 'user' ? t('audit.who.account') : objectId)
}

/** How a category of entries is called. */
export function categoryName(t: Translate, category: string): string {
  return text(t, `audit.category.${category}`) || category
}

/** What more an entry says: the name of each detail, and its value in words. */
export function detailsInWords(
  t: Translate,
  language: Language,
  { kind, details = {} }: Told,
  users: Users,
): readonly (readonly [name: string, value: string])[] {
  return Object.entries(details).map(([name, value]) => {
    const named = name === 'kind' && kind === 'log.searched' ? kindName(t, String(value)) : undefined
    return [text(t, `audit.detail.${name}`) || name, named ?? inWords(t, language, name, value, users)] as const
  })
}

export function kindName(t: Translate, kind: string): string {
  return text(t, `audit.kind.${kind}`) || kind
}

const instant = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/

function inWords(t: Translate, language: Language, name: string, value: unknown, users: Users): string {
  if (Array.isArray(value)) {
    const each = value.map(one => inWords(t, language, name, one, users))
    return each.length > 0 ? each.join(', ') : t('audit.nothing')
  }
  if (typeof value === 'boolean') return value ? t('audit.yes') : t('audit.no')
  if (typeof value === 'number') return new Intl.NumberFormat(language).format(value)
  if (typeof value !== 'string') return JSON.stringify(value)
  if (instant.test(value)) return formatDateTime(language, value)
  if (name === 'source') return networkName(value) ?? value
  if (name === 'category') return categoryName(t, value)
  if (roles.some(role => role === value)) return text(t, `role.${value}`)
  return /^[a-zA-Z_]{1,30}$/.test(value) ? text(t, `audit.value.${value}`) || value : value
}

const spans: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

/** How long ago a time was, such as "3 minutes ago". Both are in milliseconds. */
export function ago(language: Language, at: number, now: number): string {
  const seconds = Math.round((at - now) / 1000)
  const [unit, size] = spans.find(([, length]) => Math.abs(seconds) >= length) ?? (['second', 1] as const)
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(Math.trunc(seconds / size), unit)
}

/** A time to the second, with its date. */
export function exactTime(language: Language, iso: string): string {
  return new Intl.DateTimeFormat(language === 'de' ? 'de-DE' : 'en-GB', {
    dateStyle: 'medium',
    timeStyle: 'medium',
  }).format(new Date(iso))
}
