import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app/App'
import { I18nStore, preferredLanguage } from './i18n/i18n'
import { loadMoreTexts, loadTexts } from './i18n/load'
import { I18nProvider } from './i18n/react'
import './styles/app.css'

async function start(root: HTMLElement): Promise<void> {
  const language = preferredLanguage()
  const texts = new I18nStore(loadTexts, language, await loadTexts(language), loadMoreTexts)
  createRoot(root).render(
    <StrictMode>
      <I18nProvider store={texts}>
        <App />
      </I18nProvider>
    </StrictMode>,
  )
}

const root = document.getElementById('root')
if (root) void start(root)
