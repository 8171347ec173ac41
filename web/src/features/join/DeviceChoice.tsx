import { ChevronDown, type LucideIcon, Mic, Video, Volume2 } from 'lucide-react'
import { useState } from 'react'
import type { Call, CallSnapshot, Capture, Device, DeviceKind } from '../../call/types'
import { useText } from '../../i18n/react'
import { DeviceFields, deviceName, withoutDevice } from '../devices/DeviceFields'

/** On a window of this size there is room for the choice of devices beside everything else. */
const roomy = '(min-width: 40rem) and (min-height: 45rem)'

/** The devices: what is chosen, and on opening the choice. */
export function DeviceChoice({ call, snapshot }: { readonly call: Call; readonly snapshot: CallSnapshot }) {
  const t = useText()
  const [open, setOpen] = useState(() => matchMedia(roomy).matches)
  const { microphones, cameras, speakers, selected } = snapshot.devices
  return (
    <details
      open={open}
      onToggle={event => setOpen(event.currentTarget.open)}
      className="group rounded-xl border border-line bg-surface"
    >
      <summary className="flex min-h-12 list-none items-center gap-3 px-5 py-2.5 [&::-webkit-details-marker]:hidden">
        <span className="grid min-w-0 flex-1 gap-1">
          <span className="font-semibold">{t('join.devices')}</span>
          {!open && (
            <span className="grid gap-0.5 text-quiet text-sm">
              <Chosen
                icon={Mic}
                kind="microphone"
                devices={microphones}
                capture={snapshot.microphone}
                id={selected.microphone}
              />
              <Chosen icon={Video} kind="camera" devices={cameras} capture={snapshot.camera} id={selected.camera} />
              {speakers.length > 0 && <Chosen icon={Volume2} kind="speaker" devices={speakers} id={selected.speaker} />}
            </span>
          )}
        </span>
        <ChevronDown aria-hidden="true" className="size-5 shrink-0 text-quiet group-open:rotate-180" />
      </summary>
      <div className="px-5 pt-1 pb-5">
        <DeviceFields call={call} snapshot={snapshot} />
      </div>
    </details>
  )
}

interface ChosenProps {
  readonly icon: LucideIcon
  readonly kind: DeviceKind
  readonly devices: readonly Device[]
  readonly capture?: Capture
  readonly id: string | undefined
}

/** The device that is in use, or would be: without a choice the browser's first. */
function Chosen({ icon: Icon, kind, devices, capture, id }: ChosenProps) {
  const t = useText()
  const index = Math.max(
    0,
    devices.findIndex(device => device.id === id),
  )
  const device = devices[index]
  return (
    <span className="flex min-w-0 items-center gap-2">
      <Icon aria-hidden="true" className="size-4 shrink-0" />
      <span className="truncate">{device ? deviceName(t, kind, device, index) : withoutDevice(t, capture)}</span>
    </span>
  )
}
