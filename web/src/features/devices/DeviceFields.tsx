import { useEffect, useState } from 'react'
import type { Call, CallSnapshot, Capture, Device, DeviceKind } from '../../call/types'
import type { Translate } from '../../i18n/i18n'
import { useText } from '../../i18n/react'
import { SelectField } from '../../ui/Field'
import { LevelBar } from './LevelBar'
import { SpeakerTest } from './SpeakerTest'

interface DeviceFieldsProps {
  readonly call: Call
  readonly snapshot: CallSnapshot
}

/** The choice of microphone, camera and speaker, each with what proves that it works. */
export function DeviceFields({ call, snapshot }: DeviceFieldsProps) {
  const t = useText()
  const { devices, microphone, camera } = snapshot
  return (
    <div className="grid gap-4">
      <div className="grid gap-2">
        <DevicePicker
          call={call}
          kind="microphone"
          devices={devices.microphones}
          capture={microphone}
          chosen={devices.selected.microphone}
        />
        {microphone.kind === 'on' && <MicrophoneProof call={call} />}
      </div>
      <DevicePicker
        call={call}
        kind="camera"
        devices={devices.cameras}
        capture={camera}
        chosen={devices.selected.camera}
      />
      <div className="grid gap-2">
        {devices.speakers.length > 0 ? (
          <DevicePicker call={call} kind="speaker" devices={devices.speakers} chosen={devices.selected.speaker} />
        ) : (
          <p className="grid gap-0.5">
            <span className="font-semibold">{t('devices.speaker')}</span>
            <span className="text-quiet text-sm">{t('devices.speakerSystem')}</span>
          </p>
        )}
        <SpeakerTest speaker={devices.selected.speaker} />
      </div>
    </div>
  )
}

/** What stands in place of a device while the list is empty: browsers tell what there is only to those who may use it. */
export function withoutDevice(t: Translate, capture: Capture | undefined): string {
  const code = capture?.kind === 'failed' ? capture.error.code : ''
  if (code === 'device.permission_denied') return t('devices.denied')
  return t(code === 'device.not_found' ? 'devices.none' : 'devices.unknown')
}

/** What a device is called; the browser tells its name only to those who may use it. */
export function deviceName(t: Translate, kind: DeviceKind, device: Device, index: number): string {
  return device.label || t('devices.unnamed', { device: t(`devices.${kind}`), number: index + 1 })
}

interface DevicePickerProps {
  readonly call: Call
  readonly kind: DeviceKind
  readonly devices: readonly Device[]
  readonly capture?: Capture
  readonly chosen: string | undefined
}

function DevicePicker({ call, kind, devices, capture, chosen }: DevicePickerProps) {
  const t = useText()
  const label = t(`devices.${kind}`)
  return (
    <SelectField
      label={label}
      value={chosen ?? devices[0]?.id ?? ''}
      disabled={devices.length === 0}
      onChange={event => void call.selectDevice(kind, event.currentTarget.value)}
    >
      {devices.length === 0 && <option value="">{withoutDevice(t, capture)}</option>}
      {devices.map((device, index) => (
        <option key={device.id} value={device.id}>
          {deviceName(t, kind, device, index)}
        </option>
      ))}
    </SelectField>
  )
}

/** From this level on, 0 to 1, somebody is heard; and how often that is looked at, in milliseconds. */
const heardFrom = 0.08
const heardEvery = 250

/** The level of the microphone, and in words whether it hears anything. */
function MicrophoneProof({ call }: { readonly call: Call }) {
  const t = useText()
  const [heard, setHeard] = useState(false)
  useEffect(() => {
    const timer = setInterval(() => {
      if (call.level() >= heardFrom) setHeard(true)
    }, heardEvery)
    return () => clearInterval(timer)
  }, [call])
  return (
    <div className="grid gap-1">
      <LevelBar call={call} className="h-2" />
      <p className="text-quiet text-sm">{t(heard ? 'devices.heard' : 'devices.speak')}</p>
    </div>
  )
}
