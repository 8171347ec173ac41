import { fetchPart } from '../problem/part'
import type { Language, Texts } from './i18n'

/** Fetches the texts of one language; each is a file of its own. Throws a MissingPart. */
export async function loadTexts(language: Language): Promise<Texts> {
  const load = () => (language === 'de' ? import('./de.json') : import('./en.json'))
  return (await fetchPart<{ default: Texts }>(load)).default
}

/** Fetches the texts of the pages that few people open. Throws a MissingPart. */
export async function loadMoreTexts(language: Language): Promise<Texts> {
  const load = () => (language === 'de' ? import('./more.de.json') : import('./more.en.json'))
  return (await fetchPart<{ default: Texts }>(load)).default
}
