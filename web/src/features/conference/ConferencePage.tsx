import { useMemo } from 'react'
import type { Call } from '../../call/types'
import { useText } from '../../i18n/react'
import { useCopy } from '../../ui/Copy'
import { useNotify } from '../../ui/Toasts'
import { usePageTitle } from '../../ui/title'
import { Banners } from './Banners'
import { Bar } from './Bar'
import { ChatPanel } from './ChatPanel'
import { commandsOf } from './commands'
import { Header } from './Header'
import { LeaveDialog } from './LeaveDialog'
import { useLostLine, useNotices } from './notices'
import { useNarrow } from './PanelFrame'
import { PeoplePanel } from './PeoplePanel'
import { SettingsDialog } from './SettingsDialog'
import { ShareDialog } from './ShareDialog'
import { ShortcutSheet } from './ShortcutSheet'
import { Stage } from './Stage'
import { useRegionKeys, useShortcuts, useShortcutsEnabled } from './shortcuts'
import { useCall } from './useCall'
import { type Panel, useConferenceView } from './view'

interface ConferencePageProps {
  readonly call: Call
  /** The address that others can join by. */
  readonly address: string
}

/** The live conference: stage, panel, bar. */
export function ConferencePage({ call, address }: ConferencePageProps) {
  const t = useText()
  const snapshot = useCall(call)
  const view = useConferenceView(snapshot.chat, snapshot.self)
  const commands = useMemo(() => commandsOf(call, snapshot, view), [call, snapshot, view])
  const [shortcuts, setShortcuts] = useShortcutsEnabled()
  const openShortcuts = useMemo(() => () => view.openDialog('shortcuts'), [view])
  useShortcuts(commands, shortcuts, openShortcuts)
  useRegionKeys()
  useNotices(call)
  const lost = useLostLine(snapshot.phase)
  const copy = useCopy()
  const { toast } = useNotify()
  const title = snapshot.conference?.title ?? ''
  usePageTitle(title)
  // While signalling alone is lost, sound and video go on.
  const live = lost === undefined || lost === 'signalling'
  const copyLink = async () => {
    if (await copy(address)) toast(t('people.linkCopied'))
  }
  // A panel that covers the stage makes room for the toasts itself.
  const covered = useNarrow() && view.panel !== undefined
  const closePanel = () => {
    const opener = view.panel
    view.closePanel()
    if (opener) focusOpener(opener)
  }
  return (
    <div className="dark-stage fixed inset-0 flex flex-col bg-canvas text-text short:flex-row">
      <a
        href="#controls"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded-lg focus:bg-surface focus:px-4 focus:py-2"
      >
        {t('conference.skip')}
      </a>
      <div className="flex min-h-0 min-w-0 flex-1 flex-col">
        <Header title={title} startedAt={snapshot.conference?.startedAt} people={snapshot.participants.length} />
        <main className="flex min-h-0 flex-1 flex-col">
          <Banners call={call} snapshot={snapshot} lost={lost} address={address} />
          <div className="relative flex min-h-0 flex-1">
            <Stage
              call={call}
              participants={snapshot.participants}
              audioOnly={snapshot.audioOnly}
              live={live}
              view={view}
              toasts={!covered}
            />
            {view.panel === 'chat' && <ChatPanel call={call} snapshot={snapshot} onClose={closePanel} />}
            {view.panel === 'people' && (
              <PeoplePanel participants={snapshot.participants} address={address} onClose={closePanel} />
            )}
          </div>
        </main>
      </div>
      <Bar call={call} commands={commands} onShortcuts={openShortcuts} onCopyLink={() => void copyLink()} live={live} />
      {view.dialog === 'share' && <ShareDialog call={call} onClose={view.closeDialog} />}
      {view.dialog === 'leave' && <LeaveDialog call={call} onClose={view.closeDialog} />}
      {view.dialog === 'settings' && (
        <SettingsDialog call={call} snapshot={snapshot} onShortcuts={openShortcuts} onClose={view.closeDialog} />
      )}
      {view.dialog === 'shortcuts' && (
        <ShortcutSheet commands={commands} enabled={shortcuts} onEnable={setShortcuts} onClose={view.closeDialog} />
      )}
    </div>
  )
}

/** Gives the focus back to the control that opened the panel, or to "More" where that control stands behind it. */
function focusOpener(panel: Panel): void {
  const tool = (id: string) => document.querySelector<HTMLElement>(`[data-tool=${id}]`)
  ;(tool(panel) ?? tool('more'))?.focus()
}
