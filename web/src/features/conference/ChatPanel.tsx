import { ArrowDown, CircleAlert, RotateCcw, SendHorizontal } from 'lucide-react'
import { type KeyboardEvent, useEffect, useId, useLayoutEffect, useRef, useState } from 'react'
import type { Call, CallSnapshot, ChatMessage } from '../../call/types'
import { formatTime } from '../../i18n/format'
import { useI18n, useText } from '../../i18n/react'
import { describe } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { classes } from '../../ui/classes'
import { stretches } from './links'
import { PanelFrame } from './PanelFrame'

/** The longest message in characters, as the server counts them (docs/protocol.md). */
const maxLength = 4_000

/** From this many characters on the remaining ones are shown. */
const showsRemainingFrom = 3_600

/** This close to the end, in CSS pixels, the list follows new messages. */
const followDistance = 48

interface ChatPanelProps {
  readonly call: Call
  readonly snapshot: CallSnapshot
  readonly onClose: () => void
}

/** The conversation in writing. */
export function ChatPanel({ call, snapshot, onClose }: ChatPanelProps) {
  const t = useText()
  return (
    <PanelFrame title={t('control.chat')} onClose={onClose}>
      <Messages call={call} messages={snapshot.chat} self={snapshot.self} />
      <Composer call={call} />
    </PanelFrame>
  )
}

interface MessagesProps {
  readonly call: Call
  readonly messages: readonly ChatMessage[]
  readonly self: string | undefined
}

function Messages({ call, messages, self }: MessagesProps) {
  const t = useText()
  const list = useRef<HTMLDivElement>(null)
  const [following, setFollowing] = useState(true)
  const toEnd = () => list.current?.scrollTo({ top: list.current.scrollHeight })
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list grows with the messages
  useLayoutEffect(() => {
    if (following) toEnd()
  }, [messages, following])
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div
        ref={list}
        tabIndex={0}
        role="region"
        aria-label={t('chat.messages')}
        onScroll={event => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget
          setFollowing(scrollHeight - scrollTop - clientHeight < followDistance)
        }}
        className="min-h-0 flex-1 overflow-y-auto px-4 py-3 -outline-offset-3"
      >
        {messages.length === 0 ? (
          <p className="py-6 text-center text-quiet">{t('chat.none')}</p>
        ) : (
          <ol className="grid grid-cols-[minmax(0,1fr)] gap-3">
            {messages.map((message, index) => (
              <Message
                key={message.id}
                call={call}
                message={message}
                own={message.from === self}
                continues={messages[index - 1]?.from === message.from}
              />
            ))}
          </ol>
        )}
      </div>
      {!following && (
        <Button size="small" onClick={toEnd} className="absolute bottom-2 left-1/2 -translate-x-1/2 shadow-lg">
          <ArrowDown aria-hidden="true" className="size-4" />
          {t('chat.toEnd')}
        </Button>
      )}
    </div>
  )
}

interface MessageProps {
  readonly call: Call
  readonly message: ChatMessage
  readonly own: boolean
  /** The one before came from the same person. */
  readonly continues: boolean
}

function Message({ call, message, own, continues }: MessageProps) {
  const { t, language } = useI18n()
  return (
    <li className={classes('grid min-w-0 gap-0.5 *:min-w-0', continues && '-mt-1.5')}>
      <p className={classes('flex items-baseline gap-2', continues && 'sr-only')}>
        <span className="min-w-0 truncate font-semibold" dir="auto">
          {own ? t('tile.self', { name: message.name }) : message.name}
        </span>
        <time dateTime={message.at} className="shrink-0 text-quiet text-sm tabular-nums">
          {formatTime(language, message.at)}
        </time>
      </p>
      <p
        dir="auto"
        className={classes('whitespace-pre-wrap wrap-anywhere', (message.pending || message.failed) && 'text-quiet')}
      >
        <MessageText text={message.text} />
      </p>
      {message.pending && <p className="text-quiet text-sm">{t('chat.sending')}</p>}
      {message.failed && (
        <div className="grid justify-items-start gap-1 text-danger text-sm">
          <p className="flex gap-1.5">
            <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
            {describe(t, message.failed)}
          </p>
          <Button size="small" onClick={() => call.retryChat(message.id)}>
            <RotateCcw aria-hidden="true" className="size-4" />
            {t('chat.retry')}
          </Button>
        </div>
      )}
    </li>
  )
}

function MessageText({ text }: { readonly text: string }) {
  return stretches(text).map(stretch =>
    stretch.href === undefined ? (
      <span key={stretch.at}>{stretch.text}</span>
    ) : (
      <a
        key={stretch.at}
        href={stretch.href}
        target="_blank"
        rel="noopener noreferrer"
        className="text-accent underline"
      >
        {stretch.text}
      </a>
    ),
  )
}

function Composer({ call }: { readonly call: Call }) {
  const t = useText()
  const id = useId()
  const field = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState('')
  useEffect(() => field.current?.focus(), [])
  const remaining = maxLength - [...text.trim()].length
  const send = () => {
    if (text.trim() === '' || remaining < 0) return
    call.sendChat(text.trim())
    setText('')
    field.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    send()
  }
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        send()
      }}
      className="grid grid-cols-[minmax(0,1fr)] gap-1.5 border-line border-t px-4 py-3"
    >
      <label htmlFor={id} className="font-semibold text-sm">
        {t('chat.message')}
      </label>
      <div className="flex items-end gap-2">
        <textarea
          ref={field}
          id={id}
          value={text}
          rows={1}
          aria-invalid={remaining < 0 || undefined}
          aria-describedby={`${id}-hint`}
          onChange={event => setText(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          className="wrap-anywhere field-sizing-content max-h-40 min-h-11 min-w-0 flex-1 resize-none rounded-lg border border-control bg-surface px-3 py-2 aria-invalid:border-danger"
        />
        <button
          type="submit"
          aria-label={t('chat.send')}
          title={t('chat.send')}
          aria-disabled={text.trim() === '' || remaining < 0}
          className="flex size-11 shrink-0 items-center justify-center rounded-lg bg-accent text-on-accent hover:bg-accent-strong aria-disabled:bg-raised aria-disabled:text-quiet"
        >
          <SendHorizontal aria-hidden="true" className="size-5" />
        </button>
      </div>
      <p id={`${id}-hint`} className={classes('text-sm', remaining < 0 ? 'text-danger' : 'text-quiet')}>
        {maxLength - remaining < showsRemainingFrom ? (
          <>
            {t('chat.hint')} <span className="max-sm:hidden pointer-coarse:hidden">{t('chat.keys')}</span>
          </>
        ) : (
          t('chat.remaining', { count: remaining })
        )}
      </p>
    </form>
  )
}
