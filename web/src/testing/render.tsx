import { configure, render } from '@testing-library/react'
import type { ReactNode } from 'react'
import audit from '../i18n/audit.en.json'
import conference from '../i18n/conference.en.json'
import english from '../i18n/en.json'
import { I18nStore } from '../i18n/i18n'
import { loadChapter, loadTexts } from '../i18n/load'
import more from '../i18n/more.en.json'
import { I18nProvider } from '../i18n/react'
import { ToastProvider } from '../ui/Toasts'

// No test is about this limit, in milliseconds: it ends what hangs, also on a busy machine.
configure({ asyncUtilTimeout: 30_000 })

const store = new I18nStore(loadTexts, 'en', { ...english, ...conference, ...more, ...audit }, loadChapter)

/** English texts and toasts around something. */
export function surrounded(children: ReactNode) {
  return (
    <I18nProvider store={store}>
      <ToastProvider>{children}</ToastProvider>
    </I18nProvider>
  )
}

/** Renders with English texts and toasts around. */
export function show(children: ReactNode) {
  return render(surrounded(children))
}
