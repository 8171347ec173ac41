/**
 * The texts of the client in German and English. Only the language in use is loaded;
 * a text it lacks comes from the other language, never as its key.
 * Those that the way into a meeting does not need are apart, in chapters: what shows many texts of a chapter waits for it,
 * and a single one, such as that of a rare error, is fetched when it is asked for.
 */
import type audit from './audit.en.json'
import type conference from './conference.en.json'
import type english from './en.json'
import type more from './more.en.json'

export type Language = 'en' | 'de'

export const languages: readonly Language[] = ['en', 'de']

/** Each language in its own words. */
export const languageNames: Readonly<Record<Language, string>> = { en: 'English', de: 'Deutsch' }

type Base<K> = K extends `${infer B}_${'one' | 'other'}` ? B : K

/** The name of a text; a counted text has two entries, with `_one` and `_other` appended. */
export type TextKey = Base<keyof typeof english | keyof typeof conference | keyof typeof more | keyof typeof audit>

export type Texts = Readonly<Record<string, string>>
export type Parameters = Readonly<Record<string, string | number>>

/** Looks a text up and fills in its `{parameters}`; `count` also selects the plural form. */
export type Translate = (key: TextKey, parameters?: Parameters) => string

export type Loader = (language: Language) => Promise<Texts>

/** The texts of the conference itself, those of pages that few people open and of rare errors, and those of the audit log. */
export type Chapter = 'conference' | 'more' | 'audit'
export type ChapterLoader = (chapter: Chapter, language: Language) => Promise<Texts>

/** In the order in which they are searched for a text that is missing; the audit log's are on its page alone. */
const chapters: readonly Chapter[] = ['more', 'conference']

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
  readonly #loadChapter: ChapterLoader | undefined
  readonly #listeners = new Set<() => void>()
  readonly #chapters = new Map<Chapter, Promise<void>>()
  #filling = false

  constructor(load: Loader, language: Language, texts: Texts, loadChapter?: ChapterLoader) {
    this.#load = load
    this.#loadChapter = loadChapter
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

  /** Loads a chapter, of every language that is loaded from now on too; the same promise each time. */
  open(chapter: Chapter): Promise<void> {
    let opened = this.#chapters.get(chapter)
    if (!opened) {
      const { language } = this.#snapshot
      opened = this.#add(chapter, language).then(() => this.#publish(this.#snapshot.language))
      this.#chapters.set(chapter, opened)
    }
    return opened
  }

  /** Loads a chapter before it is needed; where that fails, `open` tries again. */
  prefetch(chapter: Chapter): void {
    this.open(chapter).catch(() => this.#chapters.delete(chapter))
  }

  async #add(chapter: Chapter, language: Language): Promise<void> {
    const texts = await this.#loadChapter?.(chapter, language)
    if (texts) this.#texts = new Map([...this.#texts, [language, { ...this.#texts.get(language), ...texts }]])
  }

  async #fetch(language: Language): Promise<void> {
    if (!this.#texts.has(language)) {
      const texts = await this.#load(language)
      this.#texts = new Map([...this.#texts, [language, texts]])
    }
    await Promise.all([...this.#chapters.keys()].map(chapter => this.#add(chapter, language)))
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

  /** A gap: fetch the chapters, then the other languages, one at a time, and show the text as soon as it is here. */
  #fetchMissing(order: readonly Language[]): void {
    if (this.#filling) return
    const next = order.find(language => !this.#texts.has(language))
    const chapter = this.#loadChapter && chapters.find(each => !this.#chapters.has(each))
    const fetched = chapter ? this.open(chapter) : next && this.#fetch(next)
    if (!fetched) return
    this.#filling = true
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
