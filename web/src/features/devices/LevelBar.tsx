import { useEffect, useRef } from 'react'
import type { Call } from '../../call/types'
import { classes } from '../../ui/classes'

/** The level of one's own microphone as a bar; drawn without rendering, on animation frames. */
export function LevelBar({ call, className }: { readonly call: Call; readonly className?: string }) {
  const bar = useRef<HTMLSpanElement>(null)
  useEffect(() => {
    let frame = 0
    const draw = () => {
      if (bar.current) bar.current.style.transform = `scaleX(${Math.min(1, call.level())})`
      frame = requestAnimationFrame(draw)
    }
    draw()
    return () => cancelAnimationFrame(frame)
  }, [call])
  return (
    <span aria-hidden="true" data-level className={classes('block overflow-hidden rounded-full bg-line', className)}>
      <span ref={bar} className="block h-full origin-left rounded-full bg-good" />
    </span>
  )
}
