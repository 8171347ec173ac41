import { X } from 'lucide-react'
import { type ReactNode, useId } from 'react'
import { useText } from '../../i18n/react'
import { IconButton } from '../../ui/Button'
import { useMedia } from '../../ui/media'
import { ToastPlace } from '../../ui/Toasts'

interface PanelFrameProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
}

/** Whether the window is so narrow that a panel covers the stage: below the style sheet's `sm`. */
export const useNarrow = () => useMedia('(width < 40rem)')

/** A panel beside the stage; on a narrow screen it covers the stage and leaves the bar. */
export function PanelFrame({ title, onClose, children }: PanelFrameProps) {
  const t = useText()
  const id = useId()
  const narrow = useNarrow()
  return (
    <section
      id="panel"
      aria-labelledby={id}
      tabIndex={-1}
      onKeyDown={event => {
        if (event.key === 'Escape') onClose()
      }}
      className="flex min-h-0 flex-col border-line bg-surface max-sm:absolute max-sm:inset-0 max-sm:z-20 sm:w-80 sm:border-l lg:w-90"
    >
      <header className="flex items-center justify-between gap-2 border-line border-b py-1 pr-1 pl-4">
        <h2 id={id} className="font-bold text-lg">
          {title}
        </h2>
        <IconButton label={t('action.close')} onClick={onClose}>
          <X aria-hidden="true" className="size-5" />
        </IconButton>
      </header>
      {narrow && <ToastPlace />}
      {children}
    </section>
  )
}
