import { CircleHelp, Ellipsis, Link as LinkIcon } from 'lucide-react'
import { useId, useRef } from 'react'
import type { Call } from '../../call/types'
import { useText } from '../../i18n/react'
import { classes } from '../../ui/classes'
import { Menu, type MenuEntry } from '../../ui/Menu'
import { useMedia } from '../../ui/media'
import { useRoving } from '../../ui/roving'
import { LevelBar } from '../devices/LevelBar'
import type { Command, CommandId } from './commands'

/** How the mark behind an icon shows the state: by fill and border, beside the icon's own form. */
const tones: Readonly<Record<Command['tone'], string>> = {
  plain: 'border-transparent group-hover/tool:bg-raised',
  on: 'border-accent bg-accent-soft text-accent group-hover/tool:bg-raised',
  off: 'border-control group-hover/tool:bg-raised',
  muted: 'border-control text-danger group-hover/tool:bg-raised',
  failed: 'border-danger bg-danger-soft text-danger group-hover/tool:bg-raised',
  active: 'border-transparent bg-accent text-on-accent group-hover/tool:bg-accent-strong',
  danger: 'border-transparent bg-danger-fill text-on-danger-fill group-hover/tool:bg-danger-fill-strong',
}

/** What stands on the bar by the width of the window; the rest is behind "More". */
const shown: Readonly<Record<'small' | 'medium' | 'large', readonly CommandId[]>> = {
  small: ['microphone', 'camera', 'chat', 'leave'],
  medium: ['microphone', 'camera', 'share', 'chat', 'people', 'leave'],
  large: ['microphone', 'camera', 'share', 'chat', 'people', 'layout', 'settings', 'leave'],
}

interface BarProps {
  readonly call: Call
  readonly commands: readonly Command[]
  readonly onShortcuts: () => void
  readonly onCopyLink: () => void
  /** false while the line is lost: nobody hears what the microphone takes */
  readonly live: boolean
}

/** The controls of the conference: one tab stop, arrows inside. */
export function Bar({ call, commands, onShortcuts, onCopyLink, live }: BarProps) {
  const t = useText()
  const bar = useRef<HTMLDivElement>(null)
  const roving = useRoving(bar, '[data-tool]')
  const medium = useMedia('(min-width: 40rem)')
  const large = useMedia('(min-width: 60rem)')
  const low = useMedia('(max-height: 30rem) and (min-aspect-ratio: 1)')
  const visible = shown[low || !medium ? 'small' : large ? 'large' : 'medium']
  const isVisible = (command: Command) => visible.includes(command.id)
  const leave = commands.filter(command => command.id === 'leave')
  const others = commands.filter(command => command.id !== 'leave')
  const hidden = others.filter(command => !isVisible(command))
  return (
    <footer className="shrink-0 border-line border-t bg-surface short:border-t-0 short:border-l">
      <div
        ref={bar}
        id="controls"
        role="toolbar"
        aria-label={t('conference.controls')}
        aria-orientation="horizontal"
        tabIndex={-1}
        {...roving}
        className="flex items-stretch justify-between gap-0.5 px-1 py-1.5 sm:justify-center sm:gap-1.5 sm:px-3 short:h-full short:flex-col short:justify-between short:px-1"
      >
        {others.filter(isVisible).map(command => (
          <Tool key={command.id} command={command} call={call} live={live} />
        ))}
        <More commands={hidden} onShortcuts={onShortcuts} onCopyLink={onCopyLink} />
        <span aria-hidden="true" className="hidden w-4 sm:block short:hidden" />
        {leave.map(command => (
          <Tool key={command.id} command={command} call={call} live={live} />
        ))}
      </div>
    </footer>
  )
}

const tool =
  'group/tool relative flex min-h-15 min-w-0 flex-1 flex-col items-center gap-1 rounded-lg px-0.5 py-1 -outline-offset-3 text-[0.6875rem] leading-tight min-[22.5rem]:text-xs sm:min-w-18 sm:flex-none sm:px-1.5 sm:text-[0.8125rem] short:min-h-12 short:flex-none short:px-1'

const mark = 'relative flex h-8 w-12 items-center justify-center rounded-full border transition-colors sm:w-14'

interface ToolProps extends Pick<BarProps, 'call' | 'live'> {
  readonly command: Command
}

function Tool({ command, call, live }: ToolProps) {
  const t = useText()
  const id = useId()
  const Icon = command.icon
  const unread = command.badge ? t('chat.unread', { count: command.badge }) : ''
  const metered = live && command.id === 'microphone' && command.pressed
  const described = [command.state && t(command.state), unread].filter(Boolean).join(', ')
  return (
    <button
      type="button"
      data-tool={command.id}
      aria-labelledby={`${id}-label`}
      aria-describedby={described ? `${id}-state` : undefined}
      aria-pressed={command.pressed}
      aria-expanded={command.expanded}
      aria-keyshortcuts={command.shortcut}
      title={t('hint.withKey', { hint: t(command.hint), key: command.shortcut.toUpperCase() })}
      onClick={command.run}
      className={tool}
    >
      <span className={classes(mark, tones[command.tone])}>
        <Icon aria-hidden="true" className={classes('size-5.5', command.busy && 'animate-spin', metered && 'mb-1')} />
        {command.badge ? <Badge count={command.badge} /> : null}
        {metered && <LevelBar call={call} className="absolute inset-x-3.5 bottom-0.75 h-0.75" />}
      </span>
      <span id={`${id}-label`} className="max-w-full text-center font-semibold sm:whitespace-nowrap">
        {t(command.label)}
      </span>
      {described && (
        <span id={`${id}-state`} className="sr-only">
          {described}
        </span>
      )}
    </button>
  )
}

function Badge({ count }: { readonly count: number }) {
  return (
    <span
      aria-hidden="true"
      className="absolute -top-1 left-1/2 ml-1 min-w-4.5 rounded-full bg-accent px-1 text-center font-bold text-[0.6875rem] text-on-accent tabular-nums leading-4.5"
    >
      {count > 99 ? '99+' : count}
    </span>
  )
}

interface MoreProps extends Pick<BarProps, 'onShortcuts' | 'onCopyLink'> {
  readonly commands: readonly Command[]
}

function More({ commands, onShortcuts, onCopyLink }: MoreProps) {
  const t = useText()
  const entries: MenuEntry[] = commands.map(command => {
    const Icon = command.icon
    return {
      key: command.id,
      label: t(command.label),
      icon: <Icon aria-hidden="true" className="size-5 shrink-0" />,
      detail: command.state && t(command.state),
      run: command.run,
    }
  })
  entries.push({
    key: 'link',
    label: t('people.copyLink'),
    icon: <LinkIcon aria-hidden="true" className="size-5 shrink-0" />,
    run: onCopyLink,
  })
  entries.push({
    key: 'shortcuts',
    label: t('control.shortcuts'),
    icon: <CircleHelp aria-hidden="true" className="size-5 shrink-0" />,
    run: onShortcuts,
  })
  return (
    <Menu
      label={t('control.more')}
      side="above"
      entries={entries}
      className="grid min-w-0 flex-1 sm:flex-none"
      trigger={props => (
        <button type="button" data-tool="more" {...props} className={tool}>
          <span className={classes(mark, tones[props['aria-expanded'] ? 'active' : 'plain'])}>
            <Ellipsis aria-hidden="true" className="size-5.5" />
          </span>
          <span className="font-semibold">{t('control.more')}</span>
        </button>
      )}
    />
  )
}
