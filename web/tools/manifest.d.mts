import type { Plugin } from 'vite'

/** Where the list of the last build lies. */
export const manifestFile: string

/** Takes the list of chunks out of the build. */
export function keepManifest(): Plugin
