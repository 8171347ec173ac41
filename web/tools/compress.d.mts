import type { Plugin } from 'vite'

/** Writes a .br and a .gz beside every text asset of the build. */
export function compress(): Plugin
