import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app/App'
import { I18nStore, preferredLanguage } from './i18n/i18n'
import { loadChapter, loadTexts } from './i18n/load'
import { I18nProvider } from './i18n/react'
import './styles/app.css'

async function start(root: HTMLElement): Promise<void> {
  const language = preferredLanguage()
  const texts = new I18nStore(loadTexts, language, await loadTexts(language), loadChapter)
  createRoot(root).render(
    <StrictMode>
      <I18nProvider store={texts}>
        <App />
      </I18nProvider>
    </StrictMode>,
  )
}

/** Without texts there is no page: says so in both languages, with a way to try again. */
function apologise(root: HTMLElement): void {
  const words = document.createElement('p')
  words.textContent = 'Konklave could not be loaded. · Konklave ließ sich nicht laden.'
  const reload = document.createElement('button')
  reload.textContent = 'Reload · Neu laden'
  reload.onclick = () => location.reload()
  const page = document.createElement('main')
  page.className = 'grid min-h-dvh place-content-center justify-items-center gap-4 p-4 text-center'
  reload.className = 'min-h-11 rounded-lg border border-control bg-surface px-4 font-semibold'
  page.append(words, reload)
  root.replaceChildren(page)
}

const root = document.getElementById('root')
if (root) start(root).catch(() => apologise(root))
