import {
  LayoutGrid,
  type LucideIcon,
  MessageSquare,
  MonitorUp,
  PhoneOff,
  Pin,
  Settings,
  UserSquare2,
  Users,
} from 'lucide-react'
import type { Call, CallSnapshot } from '../../call/types'
import type { TextKey } from '../../i18n/i18n'
import { cameraToggle, isOn, microphoneToggle } from '../devices/toggle'
import { tilesOf } from './tiles'
import type { ConferenceView } from './view'

export type CommandId = 'microphone' | 'camera' | 'share' | 'chat' | 'people' | 'layout' | 'settings' | 'leave'

/** One control of a conference: its button, its shortcut and its menu entry all come from here. */
export interface Command {
  readonly id: CommandId
  /** The accessible name, which never changes. */
  readonly label: TextKey
  readonly icon: LucideIcon
  /** The letter that runs the command while no text is being typed. */
  readonly shortcut: string
  /** What running it does now, as a command: the tooltip. */
  readonly hint: TextKey
  /** The state in words, where the icon and `pressed` do not tell it. */
  readonly state?: TextKey
  /** While what was asked for is under way. */
  readonly busy?: boolean
  /** For what is on or off. */
  readonly pressed?: boolean
  /** For what opens a panel. */
  readonly expanded?: boolean
  /** News that wait behind the control. */
  readonly badge?: number
  readonly tone: Tone
  readonly run: () => void
}

/** How a control looks: like an ordinary button, on, off, off where that is easily forgotten, broken, opened, or for leaving. */
type Tone = 'plain' | 'on' | 'off' | 'muted' | 'failed' | 'active' | 'danger'

/** The commands of a conference in the order of the bar. */
export function commandsOf(call: Call, snapshot: CallSnapshot, view: ConferenceView): readonly Command[] {
  const { microphone, camera, screen } = snapshot
  return [
    {
      id: 'microphone',
      label: 'control.microphone',
      shortcut: 'm',
      ...microphoneToggle(microphone),
      // Whoever speaks into a microphone that is off has to see why nobody hears.
      ...(microphone.kind === 'off' && { tone: 'muted' as const }),
      run: () => void call.setMicrophone(!isOn(microphone)),
    },
    {
      id: 'camera',
      label: 'control.camera',
      shortcut: 'v',
      ...cameraToggle(camera),
      run: () => void call.setCamera(!isOn(camera)),
    },
    {
      id: 'share',
      label: 'control.share',
      icon: MonitorUp,
      shortcut: 's',
      hint: isOn(screen) ? 'hint.shareStop' : 'hint.share',
      pressed: isOn(screen),
      tone: isOn(screen) ? 'active' : 'plain',
      ...(isOn(screen) && { state: 'state.on' as const }),
      run: () => (isOn(screen) ? void call.stopScreen() : view.openDialog('share')),
    },
    ...panelCommands(view),
    layoutCommand(snapshot, view),
    {
      id: 'settings',
      label: 'control.settings',
      icon: Settings,
      shortcut: 'e',
      hint: 'hint.settings',
      tone: 'plain',
      run: () => view.openDialog('settings'),
    },
    {
      id: 'leave',
      label: 'control.leave',
      icon: PhoneOff,
      shortcut: 'q',
      hint: 'hint.leave',
      tone: 'danger',
      run: () => (isHost(snapshot) ? view.openDialog('leave') : void call.leave()),
    },
  ]
}

function panelCommands(view: ConferenceView): readonly Command[] {
  const chatOpen = view.panel === 'chat'
  const peopleOpen = view.panel === 'people'
  return [
    {
      id: 'chat',
      label: 'control.chat',
      icon: MessageSquare,
      shortcut: 'c',
      hint: chatOpen ? 'hint.chatClose' : 'hint.chatOpen',
      expanded: chatOpen,
      badge: view.unread,
      tone: chatOpen ? 'active' : 'plain',
      run: () => view.togglePanel('chat'),
    },
    {
      id: 'people',
      label: 'control.people',
      icon: Users,
      shortcut: 'p',
      hint: peopleOpen ? 'hint.peopleClose' : 'hint.peopleOpen',
      expanded: peopleOpen,
      tone: peopleOpen ? 'active' : 'plain',
      run: () => view.togglePanel('people'),
    },
  ]
}

/** Somebody large, the speaker or what is pinned, or all in the same size. */
function layoutCommand(snapshot: CallSnapshot, view: ConferenceView): Command {
  const isPinned = tilesOf(snapshot.participants).some(tile => tile.key === view.pinned)
  const grid = view.mode === 'grid' && !isPinned
  return {
    id: 'layout',
    label: 'control.layout',
    icon: grid ? LayoutGrid : isPinned ? Pin : UserSquare2,
    shortcut: 'l',
    hint: grid ? 'hint.layoutSpeaker' : 'hint.layoutGrid',
    state: grid ? 'layout.grid' : isPinned ? 'layout.pinned' : 'layout.speaker',
    tone: 'plain',
    run: () => view.setMode(grid ? 'speaker' : 'grid'),
  }
}

function isHost(snapshot: CallSnapshot): boolean {
  return snapshot.participants.some(each => each.isSelf && each.role === 'host')
}
