import { useCallback, useMemo, useState } from 'react'
import type { LayoutMode } from '../../call/layout'
import type { ChatMessage } from '../../call/types'

export type Panel = 'chat' | 'people'
export type ConferenceDialog = 'share' | 'settings' | 'shortcuts' | 'leave'

/** What one person chose to see; nobody else notices. */
export interface ConferenceView {
  readonly panel: Panel | undefined
  readonly dialog: ConferenceDialog | undefined
  readonly mode: LayoutMode
  /** Key of the pinned tile. */
  readonly pinned: string | undefined
  readonly unread: number
  readonly togglePanel: (panel: Panel) => void
  readonly closePanel: () => void
  readonly openDialog: (dialog: ConferenceDialog) => void
  readonly closeDialog: () => void
  /** Chooses a layout; nothing stays pinned. */
  readonly setMode: (mode: LayoutMode) => void
  readonly pin: (key: string | undefined) => void
}

/** Messages of others since the chat was last open. */
function countUnread(chat: readonly ChatMessage[], self: string | undefined, lastRead: string | undefined): number {
  const start = lastRead === undefined ? 0 : chat.findIndex(message => message.id === lastRead) + 1
  return chat.slice(start).filter(message => message.from !== self).length
}

/** Holds the view; what was said before one came counts as read. */
export function useConferenceView(chat: readonly ChatMessage[], self: string | undefined): ConferenceView {
  const newest = chat.findLast(message => !message.pending)?.id
  const [panel, setPanel] = useState<Panel>()
  const [dialog, setDialog] = useState<ConferenceDialog>()
  const [mode, chooseMode] = useState<LayoutMode>('grid')
  const [pinned, pin] = useState<string>()
  const [lastRead, setLastRead] = useState(newest)
  if (panel === 'chat' && lastRead !== newest) setLastRead(newest)
  const togglePanel = useCallback((next: Panel) => setPanel(now => (now === next ? undefined : next)), [])
  const closePanel = useCallback(() => setPanel(undefined), [])
  const closeDialog = useCallback(() => setDialog(undefined), [])
  const setMode = useCallback((next: LayoutMode) => {
    chooseMode(next)
    pin(undefined)
  }, [])
  const unread = panel === 'chat' ? 0 : countUnread(chat, self, lastRead)
  return useMemo(
    () => ({
      panel,
      dialog,
      mode,
      pinned,
      unread,
      togglePanel,
      closePanel,
      openDialog: setDialog,
      closeDialog,
      setMode,
      pin,
    }),
    [panel, dialog, mode, pinned, unread, togglePanel, closePanel, closeDialog, setMode],
  )
}
