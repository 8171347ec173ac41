import type { Translate } from '../../i18n/i18n'
import type { Devices } from './DeviceTest'
import { checks, type Results, verdictOf } from './run'

/** The results as a text to send to an administrator; the codes of the checks are the same in every language. */
export function reportOf(t: Translate, results: Results, devices: Devices): string {
  const verdict = verdictOf(results)
  const lines = [
    `Konklave ${location.origin}`,
    new Date().toISOString(),
    navigator.userAgent,
    '',
    ...(verdict ? [t(`test.verdict.${verdict}`), ''] : []),
    ...checks.map(check => `${t(`test.${check}`)}: ${t(`test.result.${results[check]}`)} (${check} ${results[check]})`),
    ...(['microphone', 'camera'] as const).map(device => {
      const result = devices[device]
      const code = result.state === 'bad' ? result.trouble.code : result.state
      return `${t(`control.${device}`)}: ${t(`test.device.${result.state}`)} (${code})`
    }),
  ]
  return `${lines.join('\n')}\n`
}
