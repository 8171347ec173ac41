import { useEffect, useState } from 'react'
import { deviceError } from '../../call/errors'
import { useText } from '../../i18n/react'
import { describe, type Trouble } from '../../problem/problem'
import { Button } from '../../ui/Button'
import { Section } from '../../ui/Page'
import { type Device, isPresent, open } from './probes'
import { Row } from './Row'

export type DeviceResult =
  | { readonly state: 'untried' | 'present' | 'missing' | 'running' | 'good' }
  | { readonly state: 'bad'; readonly trouble: Trouble }

export type Devices = Readonly<Record<Device, DeviceResult>>

export const untried: Devices = { microphone: { state: 'untried' }, camera: { state: 'untried' } }

const devices = ['microphone', 'camera'] as const

interface DeviceTestProps {
  readonly devices: Devices
  readonly onChange: (change: (before: Devices) => Devices) => void
}

/** Whether microphone and camera are there; whether they may be used is asked only on a press of the button. */
export function DeviceTest({ devices: results, onChange }: DeviceTestProps) {
  const t = useText()
  const [busy, setBusy] = useState(false)
  const supported = Boolean(navigator.mediaDevices)
  useEffect(() => {
    if (!navigator.mediaDevices) return
    for (const device of devices) {
      void isPresent(device).then(there => {
        onChange(before => ({ ...before, [device]: { state: there ? 'present' : 'missing' } }))
      })
    }
  }, [onChange])
  const tryOut = async () => {
    setBusy(true)
    for (const device of devices) {
      onChange(before => ({ ...before, [device]: { state: 'running' } }))
      const result = await open(device).then(
        (): DeviceResult => ({ state: 'good' }),
        (caught): DeviceResult => ({ state: 'bad', trouble: deviceError(caught, device).error }),
      )
      onChange(before => ({ ...before, [device]: result }))
    }
    setBusy(false)
  }
  return (
    <Section title={t('test.devices')} intro={t('test.devicesIntro')}>
      <ul className="grid gap-4" aria-live="polite">
        {devices.map(device => (
          <DeviceRow key={device} device={device} result={results[device]} />
        ))}
      </ul>
      {supported && (
        <Button className="justify-self-start" busy={busy} onClick={() => void tryOut()}>
          {t('test.tryDevices')}
        </Button>
      )}
    </Section>
  )
}

function DeviceRow({ device, result }: { readonly device: Device; readonly result: DeviceResult }) {
  const t = useText()
  const sign = {
    untried: 'waiting',
    present: 'waiting',
    missing: 'bad',
    running: 'running',
    good: 'good',
    bad: 'bad',
  } as const
  return (
    <Row title={t(`control.${device}`)} result={sign[result.state]} word={t(`test.device.${result.state}`)}>
      {result.state === 'bad' && describe(t, result.trouble)}
    </Row>
  )
}
