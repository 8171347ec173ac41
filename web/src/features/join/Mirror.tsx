import { CircleAlert } from 'lucide-react'
import { type ReactNode, useId } from 'react'
import type { Call, CallSnapshot, Capture } from '../../call/types'
import { useText } from '../../i18n/react'
import { describe } from '../../problem/problem'
import { Avatar } from '../../ui/Avatar'
import { classes } from '../../ui/classes'
import { VideoView } from '../conference/VideoView'
import { LevelBar } from '../devices/LevelBar'
import { cameraToggle, isOn, microphoneToggle, type Toggle } from '../devices/toggle'

interface MirrorProps {
  readonly call: Call
  readonly snapshot: CallSnapshot
  readonly name: string | undefined
}

/** How the others will see one, with the two switches on it. */
export function Mirror({ call, snapshot, name }: MirrorProps) {
  const t = useText()
  const { camera, microphone } = snapshot
  return (
    <section aria-label={t('join.preview')} className="grid gap-3">
      <div className="always-dark relative flex aspect-video max-h-[55dvh] low:max-h-none w-full items-center justify-center overflow-hidden rounded-tile outline-1 outline-line -outline-offset-1">
        {camera.kind === 'on' ? (
          <VideoView call={call} participant="" source="camera" fit="cover" mirrored />
        ) : (
          <div className="grid justify-items-center gap-2 pb-12 text-quiet sm:gap-3">
            {name ? <Avatar name={name} className="size-12 text-lg tall:sm:size-20 tall:sm:text-3xl" /> : null}
            <p className="px-3 text-center">{t(mirrorText(snapshot))}</p>
          </div>
        )}
        <div className="absolute inset-x-0 bottom-3 flex justify-center gap-2 sm:gap-3">
          <Switch
            label={t('control.microphone')}
            toggle={microphoneToggle(microphone)}
            onPress={() => void call.setMicrophone(!isOn(microphone))}
          >
            {microphone.kind === 'on' && <LevelBar call={call} className="absolute inset-x-3 bottom-1 h-0.75" />}
          </Switch>
          <Switch
            label={t('control.camera')}
            toggle={cameraToggle(camera)}
            onPress={() => void call.setCamera(!isOn(camera))}
          />
        </div>
      </div>
      <Failure kind="microphone" capture={microphone} />
      <Failure kind="camera" capture={camera} />
    </section>
  )
}

/** What the mirror says while it shows no picture. */
function mirrorText({ camera, microphone }: CallSnapshot) {
  if (camera.kind === 'starting') return 'join.cameraStarting'
  return isOn(microphone) ? 'join.cameraOff' : 'join.bothOff'
}

/** Off is how everybody comes here, and looks calm; only what failed is red. */
const switches: Readonly<Record<Toggle['tone'], string>> = {
  on: 'border-accent bg-accent-soft text-accent',
  off: 'border-control bg-surface hover:bg-raised',
  failed: 'border-danger bg-danger-soft text-danger',
}

interface SwitchProps {
  readonly label: string
  readonly toggle: Toggle
  readonly onPress: () => void
  readonly children?: ReactNode
}

function Switch({ label, toggle, onPress, children }: SwitchProps) {
  const t = useText()
  const id = useId()
  const Icon = toggle.icon
  return (
    <button
      type="button"
      aria-pressed={toggle.pressed}
      aria-labelledby={`${id}-label`}
      aria-describedby={toggle.state ? `${id}-state` : undefined}
      title={t(toggle.hint)}
      onClick={onPress}
      className={classes(
        'relative flex min-h-11 items-center gap-2 rounded-full border px-4 hover:border-text tall:sm:px-5',
        switches[toggle.tone],
      )}
    >
      <Icon aria-hidden="true" className={classes('size-5', toggle.busy && 'animate-spin')} />
      <span id={`${id}-label`} className="font-semibold text-sm">
        {label}
      </span>
      {toggle.state && (
        <span id={`${id}-state`} className="sr-only">
          {t(toggle.state)}
        </span>
      )}
      {children}
    </button>
  )
}

/** Why a device does not start, and that one can join without it. */
function Failure({ kind, capture }: { readonly kind: 'microphone' | 'camera'; readonly capture: Capture }) {
  const t = useText()
  if (capture.kind !== 'failed') return null
  return (
    <div role="alert" className="flex gap-3 rounded-lg border border-warning bg-warning-soft p-4">
      <CircleAlert aria-hidden="true" className="mt-0.5 size-5 shrink-0 text-warning" />
      <p>
        {describe(t, capture.error)} {t('join.without', { device: t(`device.${kind}`) })}
      </p>
    </div>
  )
}
