import { useEffect, useRef } from 'react'
import type { Call, VideoRef } from '../../call/types'
import { classes } from '../../ui/classes'

interface VideoViewProps {
  readonly call: Call
  readonly participant: string
  readonly source: VideoRef['source']
  readonly fit: 'contain' | 'cover'
  /** One's own camera is shown as in a mirror. */
  readonly mirrored?: boolean
  readonly onAspect?: (aspect: number) => void
  readonly className?: string | undefined
}

/** Shows a video of the call; the engine receives the layer that the displayed size needs. */
export function VideoView({ call, participant, source, fit, mirrored, onAspect, className }: VideoViewProps) {
  const video = useRef<HTMLVideoElement>(null)
  useEffect(() => {
    if (!video.current) return
    return call.attachVideo({ participant, source }, video.current)
  }, [call, participant, source])
  return (
    <video
      ref={video}
      autoPlay
      playsInline
      muted
      disablePictureInPicture
      onResize={event => {
        const { videoWidth, videoHeight } = event.currentTarget
        if (videoWidth > 0 && videoHeight > 0) onAspect?.(videoWidth / videoHeight)
      }}
      className={classes(
        'size-full',
        fit === 'cover' ? 'object-cover' : 'object-contain',
        mirrored && '-scale-x-100',
        className,
      )}
    />
  )
}
