/**
 * The texts of the client in German and English. Only the language in use is loaded;
 * a text it lacks comes from the other language, never as its key.
 * Rare texts are apart, so that the way into a meeting does not carry them: pages that need many of them wait for them,
 * and a single one, such as that of a rare error, is fetched when it is asked for.
 */
import type english from './en.json'
import type more from './more.en.json'

export type Language = 'en' | 'de'

export const languages: readonly Language[] = ['en', 'de']

/** Each language in its own words. */
export const languageNames: Readonly<Record<Language, string>> = { en: 'English', de: 'Deutsch' }

type Base<K> = K extends `${infer B}_${'one' | 'other'}` ? B : K

/** The name of a text; a counted text has two entries, with `_one` and `_other` appended. */
export type TextKey = Base<keyof typeof english | keyof typeof more>

export type Texts = Readonly<Record<string, string>>
export type Parameters = Readonly<Record<string, string | number>>

/** Looks a text up and fills in its `{parameters}`; `count` also selects the plural form. */
export type Translate = (key: TextKey, parameters?: Parameters) => string

export type Loader = (language: Language) => Promise<Texts>

const storageKey = 'konklave.language'

export interface I18n {
  readonly language: Language
  /** A new function after each change, so that it can be compared. */
  readonly t: Translate
}

/** Holds the language in use and tells when it changes. */
export class I18nStore {
  #texts: ReadonlyMap<Language, Texts>
  #snapshot: I18n
  readonly #load: Loader
  readonly #loadMore: Loader | undefined
  readonly #listeners = new Set<() => void>()
  #more: Promise<void> | undefined
  #filling = false

  constructor(load: Loader, language: Language, texts: Texts, loadMore?: Loader) {
    this.#load = load
    this.#loadMore = loadMore
    this.#texts = new Map([[language, texts]])
    this.#snapshot = this.#make(language)
  }

  getSnapshot = (): I18n => this.#snapshot

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Loads the language, switches to it and remembers it in this browser. Throws what the loader throws. */
  async setLanguage(language: Language): Promise<void> {
    await this.#fetch(language)
    remember(language)
    this.#publish(language)
  }

  /** Loads the rare texts, of every language that is loaded from now on too; the same promise each time. */
  more(): Promise<void> {
    this.#more ??= this.#addMore(this.#snapshot.language).then(() => this.#publish(this.#snapshot.language))
    return this.#more
  }

  async #addMore(language: Language): Promise<void> {
    const more = await this.#loadMore?.(language)
    if (more) this.#texts = new Map([...this.#texts, [language, { ...this.#texts.get(language), ...more }]])
  }

  async #fetch(language: Language): Promise<void> {
    if (!this.#texts.has(language)) {
      const texts = await this.#load(language)
      this.#texts = new Map([...this.#texts, [language, texts]])
    }
    if (this.#more) await this.#addMore(language)
  }

  #publish(language: Language): void {
    this.#snapshot = this.#make(language)
    for (const listener of this.#listeners) listener()
  }

  #make(language: Language): I18n {
    const rules = new Intl.PluralRules(language)
    const t: Translate = (key, parameters = {}) => {
      const form = typeof parameters['count'] === 'number' ? rules.select(parameters['count']) : 'other'
      return fill(this.#find(language, key, form), parameters)
    }
    return { language, t }
  }

  #find(language: Language, key: string, form: string): string {
    const names = [key, `${key}_${form}`, `${key}_other`]
    const order = [language, ...languages.filter(other => other !== language)]
    for (const candidate of order) {
      const texts = this.#texts.get(candidate)
      const name = names.find(each => texts?.[each] !== undefined)
      if (texts && name) return texts[name] ?? ''
    }
    this.#fetchMissing(order)
    return ''
  }

  /** A gap: fetch the rare texts, then the other languages, one at a time, and show the text as soon as it is here. */
  #fetchMissing(order: readonly Language[]): void {
    if (this.#filling) return
    const next = order.find(language => !this.#texts.has(language))
    const rare = this.#loadMore !== undefined && !this.#more
    if (!rare && !next) return
    this.#filling = true
    const fetched = rare || !next ? this.more() : this.#fetch(next)
    const done = (came: boolean) => {
      this.#filling = false
      if (came) this.#publish(this.#snapshot.language)
    }
    fetched.then(
      () => done(true),
      () => done(false), // what shows the text says something else in its place
    )
  }
}

function fill(text: string, parameters: Parameters): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(parameters[name] ?? whole))
}

function remember(language: Language): void {
  try {
    localStorage.setItem(storageKey, language)
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

/** The language chosen before in this browser, else the first one the browser prefers that there is, else English. */
export function preferredLanguage(wishes: readonly string[] = navigator.languages): Language {
  let stored: string | null = null
  try {
    stored = localStorage.getItem(storageKey)
  } catch {
    // Without storage the browser's languages decide.
  }
  const candidates = [stored ?? '', ...wishes].map(wish => wish.slice(0, 2).toLowerCase())
  return candidates.find((wish): wish is Language => languages.includes(wish as Language)) ?? 'en'
}
