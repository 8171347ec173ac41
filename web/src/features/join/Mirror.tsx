import { CircleAlert, Mic, MicOff, Video, VideoOff } from 'lucide-react'
import { type ReactNode, useId } from 'react'
import type { Call, CallSnapshot, Capture } from '../../call/types'
import type { TextKey } from '../../i18n/i18n'
import { useText } from '../../i18n/react'
import { describe } from '../../problem/problem'
import { Avatar } from '../../ui/Avatar'
import { classes } from '../../ui/classes'
import { VideoView } from '../conference/VideoView'
import { LevelBar } from '../devices/LevelBar'

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
      <div className="always-dark relative flex aspect-video max-h-[60dvh] items-center justify-center overflow-hidden rounded-tile">
        {camera.kind === 'on' ? (
          <VideoView call={call} participant="" source="camera" fit="cover" mirrored />
        ) : (
          <div className="grid justify-items-center gap-3 pb-12 text-quiet">
            {name ? <Avatar name={name} className="size-20 text-3xl max-sm:size-14 max-sm:text-xl" /> : null}
            <p className="text-center">{t(camera.kind === 'starting' ? 'join.cameraStarting' : 'join.cameraOff')}</p>
          </div>
        )}
        <div className="absolute inset-x-0 bottom-3 flex justify-center gap-3">
          <Switch
            label={t('control.microphone')}
            capture={microphone}
            onIcon={<Mic aria-hidden="true" className="size-5" />}
            offIcon={<MicOff aria-hidden="true" className="size-5" />}
            onSwitch={on => void call.setMicrophone(on)}
          >
            {microphone.kind === 'on' && <LevelBar call={call} className="absolute inset-x-3 bottom-1 h-0.75" />}
          </Switch>
          <Switch
            label={t('control.camera')}
            capture={camera}
            onIcon={<Video aria-hidden="true" className="size-5" />}
            offIcon={<VideoOff aria-hidden="true" className="size-5" />}
            onSwitch={on => void call.setCamera(on)}
          />
        </div>
      </div>
      <Failure capture={microphone} />
      <Failure capture={camera} />
    </section>
  )
}

const states: Readonly<Record<Capture['kind'], TextKey>> = {
  off: 'state.off',
  starting: 'state.starting',
  on: 'state.on',
  failed: 'state.failed',
}

interface SwitchProps {
  readonly label: string
  readonly capture: Capture
  readonly onIcon: ReactNode
  readonly offIcon: ReactNode
  readonly onSwitch: (on: boolean) => void
  readonly children?: ReactNode
}

function Switch({ label, capture, onIcon, offIcon, onSwitch, children }: SwitchProps) {
  const t = useText()
  const id = useId()
  const on = capture.kind === 'on' || capture.kind === 'starting'
  return (
    <button
      type="button"
      aria-pressed={capture.kind === 'on'}
      aria-labelledby={`${id}-label`}
      aria-describedby={`${id}-state`}
      onClick={() => onSwitch(!on)}
      className={classes(
        'relative flex min-h-13 items-center gap-2.5 rounded-lg border bg-surface px-4 hover:bg-raised',
        on ? 'border-control' : 'border-danger text-danger',
      )}
    >
      {on ? onIcon : offIcon}
      <span className="text-left leading-tight">
        <span id={`${id}-label`} className="block font-semibold text-sm">
          {label}
        </span>
        <span id={`${id}-state`} className="block text-xs">
          {t(states[capture.kind])}
        </span>
      </span>
      {children}
    </button>
  )
}

/** Why a device does not start, and that one can join without it. */
function Failure({ capture }: { readonly capture: Capture }) {
  const t = useText()
  if (capture.kind !== 'failed') return null
  return (
    <div role="alert" className="flex gap-3 rounded-lg border border-warning bg-warning-soft p-4">
      <CircleAlert aria-hidden="true" className="mt-0.5 size-5 shrink-0 text-warning" />
      <p>
        {describe(t, capture.error)} {t('join.without')}
      </p>
    </div>
  )
}
