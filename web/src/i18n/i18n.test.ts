import { expect, test, vi } from 'vitest'
import auditGerman from './audit.de.json'
import auditEnglish from './audit.en.json'
import conferenceGerman from './conference.de.json'
import conferenceEnglish from './conference.en.json'
import usualGerman from './de.json'
import usualEnglish from './en.json'
import { type Chapter, I18nStore, type Language, preferredLanguage, type TextKey, type Texts } from './i18n'
import moreGerman from './more.de.json'
import moreEnglish from './more.en.json'

const en = { ...usualEnglish, ...conferenceEnglish, ...moreEnglish, ...auditEnglish }
const de = { ...usualGerman, ...conferenceGerman, ...moreGerman, ...auditGerman }

const sources = import.meta.glob('../**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true }) as Record<
  string,
  string
>

function parameters(text: string): readonly string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map(match => match[1] ?? '').sort()
}

test('German and English have the same texts with the same parameters', () => {
  expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort())
  const german: Texts = de
  for (const [key, text] of Object.entries(en)) expect(parameters(german[key] ?? ''), key).toEqual(parameters(text))
})

test('the names that tests and assistive technology know controls by stay as they are', () => {
  const names: Record<string, readonly [english: string, german: string]> = {
    'control.microphone': ['Microphone', 'Mikrofon'],
    'control.camera': ['Camera', 'Kamera'],
    'control.share': ['Share screen', 'Bildschirm teilen'],
    'control.chat': ['Chat', 'Chat'],
    'control.people': ['People', 'Personen'],
    'control.settings': ['Settings', 'Einstellungen'],
    'control.leave': ['Leave', 'Verlassen'],
    'join.join': ['Join', 'Beitreten'],
    'join.name': ['Your name', 'Ihr Name'],
    'chat.message': ['Message', 'Nachricht'],
    'chat.send': ['Send', 'Senden'],
    'start.start': ['Start a meeting', 'Meeting starten'],
    'action.signIn': ['Sign in', 'Anmelden'],
    'entry.email': ['E-mail', 'E-Mail'],
    'entry.password': ['Password', 'Passwort'],
  }
  const [english, german]: readonly [Texts, Texts] = [en, de]
  for (const [key, name] of Object.entries(names)) expect([english[key], german[key]], key).toEqual(name)
})

test('a text is in one file only', () => {
  for (const files of [
    [usualEnglish, conferenceEnglish, moreEnglish, auditEnglish],
    [usualGerman, conferenceGerman, moreGerman, auditGerman],
  ]) {
    const keys = files.flatMap(file => Object.keys(file))
    expect(keys).toHaveLength(new Set(keys).size)
  }
})

test('no text is empty', () => {
  for (const texts of [de, en]) for (const [key, text] of Object.entries(texts)) expect(text.trim(), key).not.toBe('')
})

test('a counted text has both forms', () => {
  const keys = Object.keys(en)
  const bases = keys.filter(key => /_(one|other)$/.test(key)).map(key => key.replace(/_(one|other)$/, ''))
  for (const base of bases) expect(keys).toEqual(expect.arrayContaining([`${base}_one`, `${base}_other`]))
})

test('every text is used', () => {
  const code = Object.entries(sources)
    .filter(([path]) => !path.includes('.test.'))
    .map(([, text]) => text)
    .join('\n')
  const composed = [
    /^error\./,
    /^device\./,
    /^devices\.(microphone|camera|speaker)$/,
    /^notice\.(joined|left)$/,
    /^conference\.reconnecting\.(signalling|media|both)$/,
    /^test\./,
  ]
  composed.push(
    /^layer\./,
    /^role\./,
    /^ended\.\w+\.(title|text)$/,
    /^appearance\.(system|light|dark)$/,
    /^finding(State|Advice)?\./,
    /^approvals\.state\.\w+$/,
    /^severity\./,
    /^scope\./,
    /^audit\.(category|check|detail|did|failed|group|kind|result|state|value|verdict)\./,
  )
  const unused = Object.keys(en)
    .map(key => key.replace(/_(one|other)$/, ''))
    .filter(key => !composed.some(pattern => pattern.test(key)) && !code.includes(`'${key}'`))
  expect(unused).toEqual([])
})

const texts: Readonly<Record<Language, Texts>> = {
  en: { 'action.close': 'Close', 'chat.unread_one': '{count} new', 'chat.unread_other': '{count} news' },
  de: { 'action.close': 'Schließen', 'action.save': 'Speichern' },
}

function store(language: Language): I18nStore {
  return new I18nStore(async wanted => texts[wanted], language, texts[language])
}

test('a text is looked up in the language in use, its parameters filled in', () => {
  const { t } = store('en').getSnapshot()
  expect(t('action.close')).toBe('Close')
  expect(t('chat.unread', { count: 1 })).toBe('1 new')
  expect(t('chat.unread', { count: 0 })).toBe('0 news')
})

test('a parameter that is missing stays visible, and one that looks like a parameter is not filled again', () => {
  const { t } = store('en').getSnapshot()
  expect(t('chat.unread')).toBe('{count} news')
  expect(t('chat.unread', { count: '{other}', other: 'x' })).toBe('{other} news')
})

test('a text that is missing comes from the other language as soon as that is loaded, never as its key', async () => {
  const i18n = store('en')
  expect(i18n.getSnapshot().t('action.save')).toBe('')
  await vi.waitFor(() => expect(i18n.getSnapshot().t('action.save')).toBe('Speichern'))
})

test('a text that no language has is empty', async () => {
  const i18n = store('en')
  const changed = vi.fn()
  i18n.subscribe(changed)
  expect(i18n.getSnapshot().t('error.nothing' as TextKey)).toBe('')
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(1))
  expect(i18n.getSnapshot().t('error.nothing' as TextKey)).toBe('')
})

test('another language is loaded, told and remembered', async () => {
  const i18n = store('en')
  const changed = vi.fn()
  i18n.subscribe(changed)
  await i18n.setLanguage('de')
  expect(changed).toHaveBeenCalledTimes(1)
  expect(i18n.getSnapshot().t('action.close')).toBe('Schließen')
  expect(preferredLanguage(['en'])).toBe('de')
  localStorage.clear()
})

test('a chapter is loaded once, and for another language with it', async () => {
  const loadChapter = vi.fn(
    async (chapter: Chapter, language: Language): Promise<Texts> => ({ 'recovery.title': `${chapter} ${language}` }),
  )
  const i18n = new I18nStore(async wanted => texts[wanted], 'en', texts.en, loadChapter)
  expect(i18n.open('more')).toBe(i18n.open('more'))
  await i18n.open('more')
  expect(i18n.getSnapshot().t('recovery.title')).toBe('more en')
  expect(i18n.getSnapshot().t('action.close')).toBe('Close')
  await i18n.setLanguage('de')
  expect(i18n.getSnapshot().t('recovery.title')).toBe('more de')
  expect(loadChapter).toHaveBeenCalledTimes(2)
  localStorage.clear()
})

test('a rare text comes by itself when it is asked for, before the other language is', async () => {
  const load = vi.fn(async (language: Language) => texts[language])
  const loadChapter = vi.fn(
    async (chapter: Chapter, language: Language): Promise<Texts> => ({ 'recovery.title': `${chapter} ${language}` }),
  )
  const i18n = new I18nStore(load, 'en', texts.en, loadChapter)
  expect(i18n.getSnapshot().t('recovery.title')).toBe('')
  expect(i18n.getSnapshot().t('recovery.title')).toBe('')
  await vi.waitFor(() => expect(i18n.getSnapshot().t('recovery.title')).toBe('more en'))
  expect(loadChapter).toHaveBeenCalledTimes(1)
  expect(load).not.toHaveBeenCalled()
})

test('a rare text that cannot be fetched stays empty, and nobody is told of a change', async () => {
  const loadChapter = vi.fn(() => Promise.reject(new Error('offline')))
  const i18n = new I18nStore(async wanted => texts[wanted], 'en', texts.en, loadChapter)
  const changed = vi.fn()
  i18n.subscribe(changed)
  expect(i18n.getSnapshot().t('recovery.title')).toBe('')
  await expect(i18n.open('more')).rejects.toThrow('offline')
  expect(i18n.getSnapshot().t('recovery.title')).toBe('')
  expect(changed).not.toHaveBeenCalled()
})

test('a chapter that could not be fetched ahead is fetched again when it is needed', async () => {
  const loadChapter = vi.fn(async (): Promise<Texts> => ({ 'recovery.title': 'here' }))
  loadChapter.mockRejectedValueOnce(new Error('offline'))
  const i18n = new I18nStore(async wanted => texts[wanted], 'en', texts.en, loadChapter)
  i18n.prefetch('more')
  await expect(i18n.open('more')).rejects.toThrow('offline')
  await vi.waitFor(() => expect(i18n.open('more')).resolves.toBeUndefined())
  expect(i18n.getSnapshot().t('recovery.title')).toBe('here')
  expect(loadChapter).toHaveBeenCalledTimes(2)
})

test('a language that cannot be fetched is told to whoever asked for it, and the one in use stays', async () => {
  const i18n = new I18nStore(() => Promise.reject(new Error('offline')), 'en', texts.en)
  await expect(i18n.setLanguage('de')).rejects.toThrow('offline')
  expect(i18n.getSnapshot().t('action.close')).toBe('Close')
  expect(preferredLanguage(['en'])).toBe('en')
})

test.each([
  [['fr', 'de-AT', 'en'], 'de'],
  [['en-US'], 'en'],
  [['fr'], 'en'],
  [[], 'en'],
] as const)('of %j the language is %s', (wishes, language) => {
  expect(preferredLanguage(wishes)).toBe(language)
})
