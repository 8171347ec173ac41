import { fetchPart } from '../problem/part'
import type { Chapter, Language, Texts } from './i18n'

/** Fetches the usual texts of one language; each is a file of its own. Throws a MissingPart. */
export function loadTexts(language: Language): Promise<Texts> {
  return textsOf(() => (language === 'de' ? import('./de.json') : import('./en.json')))
}

/** Fetches a chapter in one language. Throws a MissingPart. */
export function loadChapter(chapter: Chapter, language: Language): Promise<Texts> {
  return textsOf(files[chapter][language])
}

const files = {
  conference: { de: () => import('./conference.de.json'), en: () => import('./conference.en.json') },
  audit: { de: () => import('./audit.de.json'), en: () => import('./audit.en.json') },
  more: { de: () => import('./more.de.json'), en: () => import('./more.en.json') },
}

async function textsOf(load: () => Promise<{ readonly default: Texts }>): Promise<Texts> {
  return (await fetchPart(load)).default
}
