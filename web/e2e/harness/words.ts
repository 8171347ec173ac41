import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './fixtures'

export type Language = 'en' | 'de'

const texts = new Map<Language, Readonly<Record<string, string>>>()

/**
 * The client's text for a key, for controls whose names are not fixed by the acceptance criteria.
 * Parameters are filled in as the client does.
 */
export function word(
  key: string,
  language: Language = 'en',
  parameters: Readonly<Record<string, string>> = {},
): string {
  let all = texts.get(language)
  if (!all) {
    const read = (file: string) =>
      JSON.parse(readFileSync(join(root, 'web', 'src', 'i18n', file), 'utf8')) as Record<string, string>
    all = {
      ...read(`${language}.json`),
      ...read(`conference.${language}.json`),
      ...read(`more.${language}.json`),
      ...read(`audit.${language}.json`),
    }
    texts.set(language, all)
  }
  const text = all[key]
  if (text === undefined) throw new Error(`no text ${key} in ${language}.json`)
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => parameters[name] ?? whole)
}
