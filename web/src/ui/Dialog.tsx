import { X } from 'lucide-react'
import { type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import { useText } from '../i18n/react'
import { IconButton } from './Button'
import { classes } from './classes'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
  /** Buttons at the foot; the one with `data-autofocus` gets the focus: the safe answer. */
  readonly actions?: ReactNode
  readonly wide?: boolean
}

/** A modal dialog in the browser's top layer: focus stays inside and goes back to where it was. */
export function Dialog({ title, onClose, children, actions, wide = false }: DialogProps) {
  const t = useText()
  const id = useId()
  const element = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const dialog = element.current
    dialog?.showModal()
    dialog?.querySelector<HTMLElement>('[data-autofocus]')?.focus()
    return () => dialog?.close()
  }, [])
  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      onCancel={event => {
        event.preventDefault()
        onClose()
      }}
      onClick={event => {
        if (event.target === event.currentTarget) onClose()
      }}
      className={classes(
        'm-auto max-h-[calc(100dvh-1rem)] w-[calc(100vw-1rem)] overflow-hidden rounded-xl border border-line bg-surface p-0 text-text',
        wide ? 'max-w-2xl' : 'max-w-120',
      )}
    >
      <div className="flex max-h-[calc(100dvh-1rem)] flex-col">
        <header className="flex items-center justify-between gap-4 border-line border-b py-2 pr-2 pl-5">
          <h2 id={id} className="font-bold text-lg">
            {title}
          </h2>
          <IconButton label={t('action.close')} onClick={onClose}>
            <X aria-hidden="true" className="size-5" />
          </IconButton>
        </header>
        <div className="scroll-hint grid gap-5 overflow-y-auto p-5">{children}</div>
        {actions && (
          <footer className="flex flex-wrap justify-end gap-3 border-line border-t px-5 py-4 max-sm:flex-col-reverse">
            {actions}
          </footer>
        )}
      </div>
    </dialog>
  )
}
