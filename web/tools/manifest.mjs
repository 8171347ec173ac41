// Vite plugin: takes the list of chunks out of the build, where the server would serve it, to a place that size.mjs reads.
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where the list of the last build lies. */
export const manifestFile = fileURLToPath(new URL('../node_modules/.konklave/manifest.json', import.meta.url))

/** @returns {import('vite').Plugin} */
export function keepManifest() {
  let outDir = 'dist'
  return {
    name: 'konklave-manifest',
    apply: 'build',
    configResolved(config) {
      outDir = config.build.outDir
    },
    closeBundle: {
      order: 'pre',
      sequential: true,
      async handler() {
        await mkdir(dirname(manifestFile), { recursive: true })
        await rename(join(outDir, '.vite/manifest.json'), manifestFile)
        await rm(join(outDir, '.vite'), { recursive: true })
      },
    },
  }
}
