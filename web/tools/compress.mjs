// Vite plugin: writes a .br and a .gz beside every text asset, so that the server never compresses at run time.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const TEXT = new Set(['.html', '.css', '.js', '.svg', '.json', '.txt'])

/** Below this many bytes a compressed copy saves no packet. */
const MIN_BYTES = 512

const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }

async function files(dir) {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}

/** @returns {import('vite').Plugin} */
export function compress() {
  let outDir = 'dist'
  return {
    name: 'konklave-compress',
    apply: 'build',
    configResolved(config) {
      outDir = config.build.outDir
    },
    async closeBundle() {
      for (const file of await files(outDir)) {
        if (!TEXT.has(extname(file))) continue
        const content = await readFile(file)
        if (content.length < MIN_BYTES) continue
        await writeFile(`${file}.br`, brotliCompressSync(content, brotli))
        await writeFile(`${file}.gz`, gzipSync(content, { level: 9 }))
      }
    },
  }
}
