import type { Language } from '../i18n/i18n'
import { useI18n } from '../i18n/react'
import { useNotify } from './Toasts'

/** Switches to a language; where its texts cannot be fetched, says so and keeps the one in use. */
export function useSwitchLanguage(): (language: Language) => void {
  const { t, setLanguage } = useI18n()
  const { toast } = useNotify()
  return language => {
    setLanguage(language).catch(() => toast(t('error.language.away'), 'danger'))
  }
}
