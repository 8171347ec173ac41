import { createContext, type ReactNode, use, useCallback, useContext, useEffect, useSyncExternalStore } from 'react'
import type { Chapter, I18n, I18nStore, Language, Translate } from './i18n'

const Context = createContext<I18nStore | undefined>(undefined)

/** Gives the texts to everything below and keeps the document's language in step. */
export function I18nProvider({ store, children }: { store: I18nStore; children: ReactNode }) {
  const { language } = useSyncExternalStore(store.subscribe, store.getSnapshot)
  useEffect(() => {
    document.documentElement.lang = language
  }, [language])
  return <Context value={store}>{children}</Context>
}

function useStore(): I18nStore {
  const store = useContext(Context)
  if (!store) throw new Error('texts are used outside of I18nProvider')
  return store
}

/** The language in use and the function that looks texts up. */
export function useI18n(): I18n & { setLanguage: (language: Language) => Promise<void> } {
  const store = useStore()
  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot)
  return { ...snapshot, setLanguage: language => store.setLanguage(language) }
}

/** Looks texts up in the language in use. */
export function useText(): Translate {
  const store = useStore()
  return useSyncExternalStore(store.subscribe, store.getSnapshot).t
}

/** Shows its content when the texts of a chapter are here; until then it suspends. */
export function Texts({ chapter, children }: { readonly chapter: Chapter; readonly children: ReactNode }) {
  use(useStore().open(chapter))
  return children
}

/** Fetches the texts of a chapter ahead; where that fails, what needs them asks again. */
export function useFetchTexts(chapter: Chapter): () => void {
  const store = useStore()
  return useCallback(() => store.prefetch(chapter), [store, chapter])
}
