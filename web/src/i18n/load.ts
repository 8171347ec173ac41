import type { Language, Texts } from './i18n'

/** Fetches the texts of one language; each is a file of its own. */
export async function loadTexts(language: Language): Promise<Texts> {
  const module = language === 'de' ? await import('./de.json') : await import('./en.json')
  return module.default
}

/** Fetches the texts of the pages that few people open. */
export async function loadMoreTexts(language: Language): Promise<Texts> {
  const module = language === 'de' ? await import('./more.de.json') : await import('./more.en.json')
  return module.default
}
