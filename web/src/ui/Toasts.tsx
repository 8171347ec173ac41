import { CircleAlert, Info, X } from 'lucide-react'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react'
import { createPortal } from 'react-dom'
import { useText } from '../i18n/react'
import { IconButton } from './Button'
import { classes } from './classes'
import { useMedia } from './media'

type Tone = 'info' | 'danger'

interface Toast {
  readonly id: number
  readonly text: string
  readonly tone: Tone
  readonly outlasts: boolean
}

interface Notify {
  /** Shows a text for a while and has it read out; one that `outlasts` is not taken away by `clear`. */
  readonly toast: (text: string, tone?: Tone, outlasts?: boolean) => void
  /** Has a text read out without showing it. */
  readonly announce: (text: string) => void
  /** Takes away the toasts, when what they were about is over. */
  readonly clear: () => void
  /** Has the toasts shown inside an element, until it is told `null`. */
  readonly setPlace: (element: HTMLElement | null) => void
}

/** How long a toast stays, in milliseconds; a pointer or the focus on it makes it wait. */
const stays: Readonly<Record<Tone, number>> = { info: 5_000, danger: 12_000 }

/** More toasts than this cover the stage; the oldest gives way. */
const most = 3

const Context = createContext<Notify | undefined>(undefined)

/** The toasts and the one polite live region of the page. */
export function ToastProvider({ children }: { readonly children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([])
  const [spoken, setSpoken] = useState<readonly { readonly id: number; readonly text: string }[]>([])
  const [place, setPlace] = useState<HTMLElement | null>(null)
  const next = useRef(0)
  const announce = useCallback((text: string) => {
    const id = next.current++
    setSpoken(before => [...before.slice(1 - most), { id, text }])
  }, [])
  const toast = useCallback(
    (text: string, tone: Tone = 'info', outlasts = false) => {
      const id = next.current++
      setToasts(before => [...before.slice(1 - most), { id, text, tone, outlasts }])
      announce(text)
    },
    [announce],
  )
  const dismiss = useCallback((id: number) => setToasts(before => before.filter(each => each.id !== id)), [])
  const clear = useCallback(() => setToasts(before => before.filter(each => each.outlasts)), [])
  const value = useMemo(() => ({ toast, announce, clear, setPlace }), [toast, announce, clear])
  const cards = toasts.map(each => <ToastCard key={each.id} toast={each} onDismiss={dismiss} />)
  return (
    <Context value={value}>
      {children}
      <div role="status" aria-live="polite" aria-relevant="additions" className="sr-only">
        {spoken.map(each => (
          <p key={each.id}>{each.text}</p>
        ))}
      </div>
      {place ? createPortal(cards, place) : <div className={classes('fixed top-16', pile)}>{cards}</div>}
    </Context>
  )
}

/** In a small window one stands at a time, the newest: what lies below is small as well. */
const pile =
  'pointer-events-none inset-x-1 z-40 flex flex-col items-center gap-1 max-sm:[&>:not(:last-child)]:hidden short:[&>:not(:last-child)]:hidden'

/** How many toasts stand at a time in this window. */
export function useMostToasts(): number {
  return useMedia('(width < 40rem), (max-height: 30rem) and (min-aspect-ratio: 1)') ? 1 : most
}

interface ToastPlaceProps {
  /** Lays them over the positioned element around, so many pixels above its foot; otherwise they take room. */
  readonly foot?: number
}

/** Where a page wants its toasts; there is one such place at a time. */
export function ToastPlace({ foot }: ToastPlaceProps) {
  const { setPlace } = useNotify()
  if (foot === undefined) return <div ref={setPlace} className={classes(pile, 'px-1 not-empty:py-1')} />
  return <div ref={setPlace} className={classes(pile, 'absolute')} style={{ bottom: foot }} />
}

function ToastCard({ toast, onDismiss }: { readonly toast: Toast; readonly onDismiss: (id: number) => void }) {
  const t = useText()
  const [held, setHeld] = useState(false)
  useEffect(() => {
    if (held) return
    const timer = setTimeout(() => onDismiss(toast.id), stays[toast.tone])
    return () => clearTimeout(timer)
  }, [held, toast, onDismiss])
  const Icon = toast.tone === 'danger' ? CircleAlert : Info
  return (
    <div
      data-toast
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
      className={classes(
        'pointer-events-auto flex w-full max-w-md items-center gap-2.5 rounded-lg border bg-surface pr-0.5 pl-3 text-text shadow-lg',
        toast.tone === 'danger' ? 'border-danger' : 'border-line',
      )}
    >
      <Icon
        aria-hidden="true"
        className={classes('size-5 shrink-0', toast.tone === 'danger' ? 'text-danger' : 'text-accent')}
      />
      <p className="min-w-0 flex-1 py-2 text-sm leading-snug wrap-anywhere">{toast.text}</p>
      <IconButton label={t('action.close')} small onClick={() => onDismiss(toast.id)}>
        <X aria-hidden="true" className="size-4" />
      </IconButton>
    </div>
  )
}

/** Shows toasts and has texts read out. */
export function useNotify(): Notify {
  const notify = useContext(Context)
  if (!notify) throw new Error('toasts are used outside of ToastProvider')
  return notify
}
