// Prints what a browser loads for the join page and for a conference (gzip, fonts included), and fails over the budget.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { manifestFile } from './manifest.mjs'

const dist = fileURLToPath(new URL('../dist', import.meta.url))

/** Budgets in bytes; kB is 1,000 bytes. */
const budgets = { join: 150_000, conference: 320_000 }

/** The parts of the client by the source file that begins them. */
const entries = {
  start: ['index.html'],
  join: ['src/features/join/JoinRoute.tsx'],
  conference: ['src/features/conference/ConferencePage.tsx', 'src/call/room.ts'],
}

/** The longer of the two languages counts. */
const texts = { usual: 'src/i18n/de.json', conference: 'src/i18n/conference.de.json' }

const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'))

function gzipped(file) {
  const content = readFileSync(join(dist, file))
  return file.endsWith('.woff2') ? content.length : gzipSync(content, { level: 9 }).length
}

/** The files that importing a part loads, its static imports included. */
function filesOf(key, seen = new Set()) {
  const chunk = manifest[key]
  if (!chunk) throw new Error(`the build has no part ${key}`)
  if (seen.has(chunk.file)) return seen
  seen.add(chunk.file)
  for (const css of chunk.css ?? []) seen.add(css)
  for (const asset of chunk.assets ?? []) if (!asset.includes('latin-ext')) seen.add(asset)
  for (const imported of chunk.imports ?? []) filesOf(imported, seen)
  return seen
}

const union = keys => new Set(keys.flatMap(key => [...filesOf(key)]))

/** What every page loads besides its chunks. */
const page = ['index.html', 'theme.js', 'favicon.svg']
const joinPage = new Set([...page, ...union([...entries.start, texts.usual, ...entries.join])])
const conference = new Set([...joinPage, ...union([...entries.conference, texts.conference])])

let over = false
for (const [name, files] of [
  ['join', joinPage],
  ['conference', conference],
]) {
  const rows = [...files].map(file => [gzipped(file), file]).sort((a, b) => b[0] - a[0])
  const total = rows.reduce((sum, [bytes]) => sum + bytes, 0)
  const ok = total <= budgets[name]
  over ||= !ok
  console.log(`${name}: ${(total / 1000).toFixed(1)} kB of ${budgets[name] / 1000} kB ${ok ? 'ok' : 'OVER'}`)
  for (const [bytes, file] of rows) console.log(`  ${(bytes / 1000).toFixed(1).padStart(7)}  ${file}`)
}
process.exitCode = over ? 1 : 0
