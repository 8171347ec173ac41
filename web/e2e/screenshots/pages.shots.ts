import { mkdirSync, rmSync } from 'node:fs'
import { join as path } from 'node:path'
import { administrator, control, join, signIn } from '../harness/acts'
import { people, root } from '../harness/fixtures'
import { brokenLine } from '../harness/guard'
import { prepare } from '../harness/prepared'
import { expectMovingVideos } from '../harness/rtc'
import { Server } from '../harness/server'
import { test } from '../harness/test'
import { dress, looks, provoked, tourConference, tourInside, tourOutside, tourSetUp, type Visit } from '../harness/tour'
import { word } from '../harness/words'

const folder = path(root, 'bin', 'screenshots')
const sizes = [
  { width: 320, height: 640 },
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
  { width: 2560, height: 1440 },
] as const
const usual = { width: 1280, height: 800 }

for (const look of looks) {
  test(`every page at four widths: ${look.theme}, ${look.language}`, async ({ seat }) => {
    const shots = path(folder, `${look.theme}-${look.language}`)
    rmSync(shots, { recursive: true, force: true })
    const visit: Visit = async (name, page) => {
      for (const size of sizes) {
        mkdirSync(path(shots, String(size.width)), { recursive: true })
        await page.setViewportSize(size)
        await page.screenshot({ path: path(shots, String(size.width), `${name}.png`), animations: 'disabled' })
      }
      await page.setViewportSize(usual)
    }
    const open = async (at: Server, person?: (typeof people)[keyof typeof people]) => {
      const opened = await seat(at, { context: { viewport: usual }, ...(person && { person }) })
      opened.guard.allow(provoked, brokenLine)
      await dress(opened, look)
      return opened
    }
    const fresh = await Server.start()
    const founder = await open(fresh)
    await tourSetUp(await founder.page(), fresh.setupLink, look, visit)
    await founder.context.close()
    await fresh.close()
    const server = await Server.start()
    const { link, closed } = await prepare(server)
    await tourOutside(await open(server), look, link, closed, visit)
    const page = await (await open(server, people.anna)).page()
    await signIn(page, administrator, look.language)
    await tourInside(page, look, link, visit)
    const guest = await (await open(server, people.bert)).page()
    await join(page, link, { language: look.language })
    await join(guest, link, { name: people.bert.name, language: look.language })
    await expectMovingVideos(page, 1)
    await tourConference(page, guest, server.pausableWorker(), look, visit)
    await control(guest, word('control.leave', look.language)).click()
    await server.close()
  })
}
