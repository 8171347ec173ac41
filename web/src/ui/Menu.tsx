import { Check } from 'lucide-react'
import {
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react'
import { classes } from './classes'
import { moveFocus } from './focus'

export interface MenuEntry {
  readonly key: string
  readonly label: string
  readonly icon?: ReactNode
  /** State in words, such as "off" or a shortcut. */
  readonly detail?: string | undefined
  /** For one choice out of several. */
  readonly checked?: boolean | undefined
  readonly danger?: boolean
  readonly run: () => void
}

interface TriggerProps {
  readonly id: string
  readonly ref: RefObject<HTMLButtonElement | null>
  readonly 'aria-haspopup': 'menu'
  readonly 'aria-expanded': boolean
  readonly 'aria-controls': string | undefined
  readonly onClick: (event: MouseEvent) => void
}

interface MenuProps {
  readonly entries: readonly MenuEntry[]
  /** Renders the button that opens the menu. */
  readonly trigger: (props: TriggerProps) => ReactNode
  readonly label: string
  readonly side?: 'above' | 'below'
  readonly align?: 'start' | 'end'
  readonly className?: string
}

/** A menu button after the ARIA pattern: arrow keys move, letters are left to the page, Escape goes back to the button. */
export function Menu({ entries, trigger, label, side = 'below', align = 'end', className }: MenuProps) {
  const [open, setOpen] = useState(false)
  const id = useId()
  const button = useRef<HTMLButtonElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const root = useRef<HTMLDivElement>(null)
  const byKeyboard = useRef(false)
  useEffect(() => {
    if (!open) return
    // Opened by the keyboard, the first entry has the focus; by a pointer, no entry looks chosen.
    const first = byKeyboard.current && list.current?.querySelector<HTMLElement>('[role^=menuitem]')
    ;(first || list.current)?.focus()
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false)
    }
    document.addEventListener('pointerdown', outside)
    document.addEventListener('focusin', outside)
    return () => {
      document.removeEventListener('pointerdown', outside)
      document.removeEventListener('focusin', outside)
    }
  }, [open])
  const close = () => {
    setOpen(false)
    button.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation()
      close()
    } else if (event.key === 'Tab') setOpen(false)
    else moveFocus(event, '[role^=menuitem]', 'vertical')
  }
  return (
    <div ref={root} className={classes('relative', className)}>
      {trigger({
        id,
        ref: button,
        'aria-haspopup': 'menu',
        'aria-expanded': open,
        'aria-controls': open ? `${id}-menu` : undefined,
        onClick: event => {
          byKeyboard.current = event.detail === 0
          setOpen(!open)
        },
      })}
      {open && (
        <div
          ref={list}
          id={`${id}-menu`}
          role="menu"
          tabIndex={-1}
          aria-label={label}
          onKeyDown={onKeyDown}
          className={classes(
            'absolute z-30 max-h-[80dvh] w-max min-w-52 max-w-[min(22rem,calc(100vw-1rem))] overflow-y-auto rounded-lg border border-control bg-surface p-1 text-text shadow-lg',
            side === 'above' ? 'bottom-full mb-2 short:right-full short:bottom-0 short:mr-2' : 'top-full mt-1',
            align === 'end' ? 'right-0' : 'left-0',
          )}
        >
          {entries.map(entry => (
            <Entry
              key={entry.key}
              entry={entry}
              onRun={() => {
                close()
                entry.run()
              }}
            />
          ))}
        </div>
      )}
    </div>
  )
}

function Entry({ entry, onRun }: { readonly entry: MenuEntry; readonly onRun: () => void }) {
  return (
    <button
      type="button"
      role={entry.checked === undefined ? 'menuitem' : 'menuitemradio'}
      aria-checked={entry.checked}
      tabIndex={-1}
      onClick={onRun}
      className={classes(
        'flex min-h-11 w-full items-center gap-3 rounded-md px-3 py-1.5 text-left hover:bg-raised focus-visible:outline-3 focus-visible:outline-accent focus-visible:-outline-offset-3',
        entry.danger && 'text-danger',
      )}
    >
      {entry.checked === undefined ? (
        entry.icon
      ) : (
        <Check aria-hidden="true" className={classes('size-5 shrink-0', !entry.checked && 'invisible')} />
      )}
      <span className="min-w-0 flex-1 wrap-anywhere">{entry.label}</span>
      {entry.detail && <span className="text-quiet text-sm">{entry.detail}</span>}
    </button>
  )
}
