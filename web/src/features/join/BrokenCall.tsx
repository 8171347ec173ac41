import { CircleAlert } from 'lucide-react'
import type { Call } from '../../call/types'
import { useText } from '../../i18n/react'
import { MissingPart } from '../../problem/part'
import { Button } from '../../ui/Button'
import { StatePage } from '../../ui/Page'
import { useCall } from '../conference/useCall'
import { cameraToggle, isOn, microphoneToggle } from '../devices/toggle'

interface BrokenCallProps {
  readonly call: Call
  readonly caught: unknown
}

/** In the place of the conference page when it cannot be shown. The call goes on; a reload comes back into it by itself. */
export function BrokenCall({ call, caught }: BrokenCallProps) {
  const t = useText()
  const { microphone, camera } = useCall(call)
  const { icon: MicrophoneIcon, hint: microphoneHint } = microphoneToggle(microphone)
  const { icon: CameraIcon, hint: cameraHint } = cameraToggle(camera)
  return (
    <div className="dark-stage fixed inset-0 overflow-y-auto bg-canvas text-text">
      <StatePage
        icon={CircleAlert}
        tone="danger"
        title={t(caught instanceof MissingPart ? 'part.title' : 'broken.title')}
        text={t('part.inCall')}
      >
        <p>
          {t(isOn(microphone) ? 'part.microphoneOn' : 'part.microphoneOff')}{' '}
          {t(isOn(camera) ? 'part.cameraOn' : 'part.cameraOff')}
        </p>
        <Button look="primary" onClick={() => location.reload()}>
          {t('action.reload')}
        </Button>
        <div className="flex flex-wrap gap-3">
          <Button
            aria-pressed={microphone.kind === 'on'}
            title={t(microphoneHint)}
            onClick={() => void call.setMicrophone(!isOn(microphone))}
          >
            <MicrophoneIcon aria-hidden="true" className="size-5" />
            {t('control.microphone')}
          </Button>
          <Button
            aria-pressed={camera.kind === 'on'}
            title={t(cameraHint)}
            onClick={() => void call.setCamera(!isOn(camera))}
          >
            <CameraIcon aria-hidden="true" className="size-5" />
            {t('control.camera')}
          </Button>
          <Button look="dangerOutline" onClick={() => void call.leave()}>
            {t('control.leave')}
          </Button>
        </div>
      </StatePage>
    </div>
  )
}
