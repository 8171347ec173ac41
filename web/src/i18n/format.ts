import type { Language } from './i18n'

/** A day and time for lists, such as "21 Nov 2026, 14:05". */
export function formatDateTime(language: Language, iso: string): string {
  const format = new Intl.DateTimeFormat(language === 'de' ? 'de-DE' : 'en-GB', {
    dateStyle: 'medium',
    timeStyle: 'short',
  })
  return format.format(new Date(iso))
}

/** A time of day for chat messages, such as "14:05". */
export function formatTime(language: Language, iso: string): string {
  const format = new Intl.DateTimeFormat(language === 'de' ? 'de-DE' : 'en-GB', { hour: '2-digit', minute: '2-digit' })
  return format.format(new Date(iso))
}

/** A duration as minutes and seconds, with hours from the first hour on: "4:07", "1:02:33". */
export function formatDuration(milliseconds: number): string {
  const total = Math.max(0, Math.floor(milliseconds / 1000))
  const two = (value: number) => String(value).padStart(2, '0')
  const hours = Math.floor(total / 3600)
  const minutes = Math.floor((total % 3600) / 60)
  const seconds = two(total % 60)
  return hours > 0 ? `${hours}:${two(minutes)}:${seconds}` : `${minutes}:${seconds}`
}
