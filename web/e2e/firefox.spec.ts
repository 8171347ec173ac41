import { administrator, control, join, openPanel, say, signIn, tile } from './harness/acts'
import { enter, Firefox, named, text, watch } from './harness/firefox'
import { people } from './harness/fixtures'
import { canMakeIslands, Island } from './harness/island'
import { prepare } from './harness/prepared'
import { expectAudibleVoices, expectMovingVideos, expectStandstill } from './harness/rtc'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { word } from './harness/words'

const cutLength = 10_000 // milliseconds
const patience = { timeout: 60_000 }

let server: Server
let island: Island | undefined
let firefox: Firefox

test.beforeAll(async () => {
  island = canMakeIslands() ? Island.make() : undefined
  server = await Server.start(island ? { mediaAddresses: [island.shore] } : { defaultMedia: true })
  await island?.reach(server.port)
  firefox = await Firefox.open(island)
})

test.afterAll(async () => {
  await firefox.close()
  await server.close()
  island?.close()
})

test('Firefox on the same machine has picture and sound with the default settings', async ({ seat }) => {
  const plain = await Server.start({ defaultMedia: true })
  const fox = await Firefox.open()
  try {
    const anna = await (await seat(plain, { person: people.anna })).page()
    const { link } = await prepare(plain)
    await join(anna, link, { name: people.anna.name })
    const page = await fox.browser.newPage()
    await enter(page, `${plain.address}${link}`, 'Felix Fuchs')
    for (const each of [anna, page]) {
      await expectMovingVideos(each, 1)
      await expectAudibleVoices(each, 1)
    }
  } finally {
    await fox.close()
    await plain.close()
  }
})

test('Firefox joins, sends, receives and comes back after a cut', async ({ seat }) => {
  const anna = await (await seat(server, { person: people.anna })).page()
  const { link } = await prepare(server)
  await signIn(anna, administrator)
  await join(anna, link)

  const fox = await firefox.browser.newPage()
  const complaints = watch(fox)
  await enter(fox, `${server.address}${link}`, 'Felix Fuchs')

  await test.step('both see and hear each other', async () => {
    await expect(tile(anna, 'Felix Fuchs')).toBeVisible()
    await expectMovingVideos(anna, 1)
    await expectAudibleVoices(anna, 1)
    await expectMovingVideos(fox, 1)
    await expectAudibleVoices(fox, 1)
  })

  await test.step('messages go both ways', async () => {
    await openPanel(anna, 'Chat')
    await say(anna, 'Hello Firefox')
    await named(fox, 'button', 'Chat').click()
    await expect.poll(() => text(fox)).toContain('Hello Firefox')
    await named(fox, 'textbox', 'Message').fill('Hello Chromium')
    await named(fox, 'button', 'Send').click()
    await expect(anna.getByText('Hello Chromium', { exact: true })).toBeVisible()
  })

  await test.step('a network that is cut for 10 seconds is back without action', async () => {
    if (!island) {
      test.info().annotations.push({ type: 'left out', description: 'cutting a network takes root and the ip tool' })
      return
    }
    await island.cut(cutLength, () => expectStandstill(fox, patience.timeout))
    await say(anna, 'welcome back')
    await expect.poll(() => text(fox), patience).toContain('welcome back')
    await expectMovingVideos(fox, 1, patience.timeout)
    await expectAudibleVoices(fox, 1, patience.timeout)
    await expectMovingVideos(anna, 1, patience.timeout)
    for (const line of ['signalling', 'media', 'both']) {
      await expect.poll(() => text(fox), patience).not.toContain(word(`conference.reconnecting.${line}`))
    }
  })

  await named(fox, 'button', 'Leave').click()
  await expect(tile(anna, 'Felix Fuchs')).toHaveCount(0)
  await expect(control(anna, 'Leave')).toBeVisible()
  expect(complaints).toEqual([])
})
