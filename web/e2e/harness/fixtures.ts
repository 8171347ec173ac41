import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The root of the repository. */
export const root = resolve(import.meta.dirname, '../../..')

/** What a person's fake camera shows and fake microphone plays: colour and pitch differ from everybody else's. */
export interface Person {
  readonly name: string
  readonly colour: string
  readonly pitch: number
}

export const people = {
  anna: { name: 'Anna Amtmann', colour: '0x8a3033', pitch: 440 },
  bert: { name: 'Bert Brandt', colour: '0x2f6b3c', pitch: 660 },
  cleo: { name: 'Cleo Conrad', colour: '0x2f4a8a', pitch: 880 },
  dora: { name: 'Dora Decker', colour: '0x7a6a24', pitch: 1100 },
} as const satisfies Record<string, Person>

const folder = join(root, 'bin', 'fixtures')
const size = '1280x720'
const framesPerSecond = 5 // four browsers code and decode this on two cores
const videoSeconds = 6 // 41 MB uncompressed each; the browser plays it round and round
const audioSeconds = 4

/** Generates (once) and returns the files for `--use-file-for-fake-video-capture` and `…-audio-capture`. */
export function mediaOf(person: Person): { video: string; audio: string } {
  mkdirSync(folder, { recursive: true })
  const name = person.name.split(' ')[0]?.toLowerCase() ?? 'nobody'
  const video = join(folder, `${name}-${size}-${framesPerSecond}.y4m`)
  const audio = join(folder, `${name}.wav`)
  generate(video, [
    ...['-f', 'lavfi', '-i', `color=c=${person.colour}:s=${size}:r=${framesPerSecond}`],
    ...['-f', 'lavfi', '-i', `testsrc2=s=320x240:r=${framesPerSecond}`],
    ...['-filter_complex', `[0][1]overlay=x=mod(320*t\\,960):y=mod(160*t\\,480)`],
    ...['-t', String(videoSeconds), '-pix_fmt', 'yuv420p'],
  ])
  // The loudness swings like speech: a steady tone is what noise suppression takes away.
  const tone = `0.5*sin(2*PI*${person.pitch}*t)*(0.5+0.5*sin(2*PI*3*t))`
  generate(audio, ['-f', 'lavfi', '-i', `aevalsrc=${tone}:s=48000:d=${audioSeconds}`, '-ac', '1'])
  return { video, audio }
}

function generate(file: string, args: string[]): void {
  if (existsSync(file)) return
  const extension = file.slice(file.lastIndexOf('.'))
  const unfinished = `${file}.${process.pid}${extension}`
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...args, unfinished], { stdio: 'inherit' })
  renameSync(unfinished, file)
}
