import { mkdirSync, rmSync } from 'node:fs'
import { join as path } from 'node:path'
import { administrator, control, join, signIn } from '../harness/acts'
import { people, root } from '../harness/fixtures'
import { prepare } from '../harness/prepared'
import { expectMovingVideos } from '../harness/rtc'
import { Server } from '../harness/server'
import { test } from '../harness/test'
import { dress, looks, tourConference, tourInside, tourOutside, type Visit } from '../harness/tour'
import { word } from '../harness/words'

const folder = path(root, 'bin', 'screenshots')
const sizes = [
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
  { width: 2560, height: 1440 },
] as const

test('every page at three widths, in both themes and languages', async ({ seat }) => {
  rmSync(folder, { recursive: true, force: true })
  const server = await Server.start()
  const { link, closed } = await prepare(server)
  for (const look of looks) {
    const visit: Visit = async (name, page) => {
      for (const size of sizes) {
        const shots = path(folder, `${look.theme}-${look.language}`, String(size.width))
        mkdirSync(shots, { recursive: true })
        await page.setViewportSize(size)
        await page.screenshot({ path: path(shots, `${name}.png`), animations: 'disabled' })
      }
      await page.setViewportSize(sizes[1])
    }
    const context = { viewport: sizes[1] }
    const stranger = await seat(server, { context })
    stranger.guard.allow(/Failed to load resource/)
    await dress(stranger, look)
    await tourOutside(stranger, look, link, closed, visit)
    const host = await seat(server, { context, person: people.anna })
    await dress(host, look)
    const page = await host.page()
    await signIn(page, administrator, look.language)
    await tourInside(page, look, visit)
    const visitor = await seat(server, { context, person: people.bert })
    await dress(visitor, look)
    const guest = await visitor.page()
    await join(page, link, { language: look.language })
    await join(guest, link, { name: people.bert.name, language: look.language })
    await expectMovingVideos(page, 1)
    await tourConference(page, guest, look, visit)
    await control(guest, word('control.leave', look.language)).click()
  }
  await server.close()
})
