import { useEffect, useEffectEvent, useState } from 'react'
import { codes } from '../../call/errors'
import type { Call, Notice, Phase } from '../../call/types'
import type { Translate } from '../../i18n/i18n'
import { useText } from '../../i18n/react'
import { describe } from '../../problem/problem'
import { useNotify } from '../../ui/Toasts'

/** What a notice says, and whether it is shown as well as read out. */
function wording(t: Translate, notice: Notice): { readonly text: string; readonly shown: boolean } {
  switch (notice.kind) {
    case 'joined':
    case 'left':
      return { text: t(`notice.${notice.kind}`, { name: notice.name }), shown: true }
    case 'connection':
      return { text: t(notice.connected ? 'notice.back' : 'notice.away', { name: notice.name }), shown: false }
    case 'message':
      return { text: t('notice.message', { name: notice.message.name, text: notice.message.text }), shown: false }
    case 'screen':
      return { text: t(notice.on ? 'notice.screenOn' : 'notice.screenOff', { name: notice.name }), shown: true }
    case 'error':
      return { text: describe(t, notice.error), shown: true }
  }
}

/** Turns what the call has to tell into toasts and spoken texts; the toasts go with the conference, but for what it leaves open. */
export function useNotices(call: Call): void {
  const t = useText()
  const { toast, announce, clear } = useNotify()
  useEffect(() => clear, [clear])
  useEffect(
    () =>
      call.onNotice(notice => {
        const { text, shown } = wording(t, notice)
        const failed = notice.kind === 'error'
        if (shown) toast(text, failed ? 'danger' : 'info', failed && notice.error.code === codes.endUnanswered)
        else announce(text)
      }),
    [call, t, toast, announce],
  )
}

type Lost = Extract<Phase, { kind: 'reconnecting' }>['what']

/** Milliseconds for which it must last that another line is lost than the one that is shown: they go and come close together. */
export const settles = 1_000

/** Which line is lost; tells it, and when everything is back. */
export function useLostLine(phase: Phase): Lost | undefined {
  const t = useText()
  const { toast, announce } = useNotify()
  const [shown, setShown] = useState<Lost>()
  const what = phase.kind === 'reconnecting' ? phase.what : undefined
  const told = useEffectEvent((lost: Lost | undefined) => {
    if (lost) announce(t(`conference.reconnecting.${lost}`))
    else if (shown) toast(t('conference.reconnected'))
    setShown(lost)
  })
  const isShown = useEffectEvent(() => shown)
  useEffect(() => {
    const before = isShown()
    if (what === before) return
    if (what === undefined || before === undefined) {
      told(what)
      return
    }
    const timer = setTimeout(() => told(what), settles)
    return () => clearTimeout(timer)
  }, [what])
  return shown
}
