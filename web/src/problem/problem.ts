import type { TextKey, Translate } from '../i18n/i18n'

/** Something that went wrong and can be told: a stable code, and where there is one the id under which the server logged it. */
export interface Trouble {
  readonly code: string
  readonly id?: string | undefined
  /** The server's own English sentence, for codes this client does not know yet; for devices the kind of device. */
  readonly detail?: string | undefined
  /** The codes of the offending inputs, by the last part of their JSON pointer. */
  readonly fields?: Readonly<Record<string, string>> | undefined
}

const devices = new Set(['microphone', 'camera', 'speaker', 'screen'])

/** Says a trouble in the language in use: what happened, what it means, what to do. */
export function describe(t: Translate, trouble: Trouble): string {
  const kind = devices.has(trouble.detail ?? '') ? trouble.detail : 'other'
  const device = t(`device.${kind}` as TextKey)
  const it = t(`device.it.${kind}` as TextKey)
  return t(`error.${trouble.code}` as TextKey, { device, it }) || serverText(trouble) || t('error.internal')
}

/** A device's kind is no sentence. */
function serverText({ detail = '' }: Trouble): string {
  return devices.has(detail) ? '' : detail
}

/** The text below an input that the server refused. */
export function fieldError(t: Translate, trouble: Trouble | undefined, field: string): string | undefined {
  const code = trouble?.fields?.[field]
  return code === undefined ? undefined : describe(t, { code, detail: trouble?.detail })
}
