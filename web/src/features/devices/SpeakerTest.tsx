import { Volume2 } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { useNotify } from '../../ui/Toasts'

/** The test tone: two notes, in hertz, and how long each sounds, in seconds. */
const notes = [523.25, 659.25]
const noteLength = 0.35
const loudness = 0.2

/** Plays two notes on the chosen output. Resolves when they have sounded. */
async function playTone(context: AudioContext, speaker: string | undefined): Promise<void> {
  const output = context.createMediaStreamDestination()
  const volume = context.createGain()
  volume.gain.value = loudness
  volume.connect(output)
  notes.forEach((frequency, index) => {
    const oscillator = context.createOscillator()
    oscillator.frequency.value = frequency
    oscillator.connect(volume)
    oscillator.start(context.currentTime + index * noteLength)
    oscillator.stop(context.currentTime + (index + 1) * noteLength)
  })
  const element = new Audio()
  element.srcObject = output.stream
  if (speaker && 'setSinkId' in element) await element.setSinkId(speaker)
  await context.resume()
  await element.play()
  const last = context.createConstantSource()
  last.start()
  last.stop(context.currentTime + notes.length * noteLength)
  await new Promise(resolve => last.addEventListener('ended', resolve, { once: true }))
  element.srcObject = null
}

/** A button that plays a short sound, so that people hear where it comes out. */
export function SpeakerTest({ speaker }: { readonly speaker: string | undefined }) {
  const t = useText()
  const { toast } = useNotify()
  const [playing, setPlaying] = useState(false)
  const context = useRef<AudioContext>(undefined)
  useEffect(() => () => void context.current?.close(), [])
  const play = async () => {
    setPlaying(true)
    try {
      context.current ??= new AudioContext()
      await playTone(context.current, speaker)
    } catch {
      toast(t('devices.speakerFailed'), 'danger')
    } finally {
      setPlaying(false)
    }
  }
  return (
    <Button busy={playing} onClick={() => void play()} className="justify-self-start">
      <Volume2 aria-hidden="true" className="size-5" />
      {t(playing ? 'devices.speakerPlaying' : 'devices.speakerTest')}
    </Button>
  )
}
