import type { Page } from '@playwright/test'
import { join, tile } from './harness/acts'
import { enter, Firefox, watch } from './harness/firefox'
import { people } from './harness/fixtures'
import { canMakeIslands, Island } from './harness/island'
import { prepare } from './harness/prepared'
import { expectMovingVideos, sentCodecs, shown } from './harness/rtc'
import { Server } from './harness/server'
import { expect, test } from './harness/test'

let island: Island | undefined
let firefox: Firefox

test.beforeAll(async () => {
  island = canMakeIslands() ? Island.make() : undefined
  firefox = await Firefox.open(island)
})

test.afterAll(async () => {
  await firefox.close()
  island?.close()
})

for (const codec of ['vp9', 'av1'] as const) {
  test(`${codec} by policy is sent and decoded; who cannot send it is seen in VP8`, async ({ seat }) => {
    const addresses = island ? { mediaAddresses: [island.shore] } : { defaultMedia: true }
    const server = await Server.start({ ...addresses, args: ['--media-codec', codec] })
    try {
      await island?.reach(server.port)
      const { link } = await prepare(server)
      const anna = await (await seat(server, { person: people.anna })).page()
      const bert = await (await seat(server)).page()
      const fox = await firefox.browser.newPage()
      const complaints = watch(fox)
      await Promise.all([
        join(anna, link, { name: people.anna.name }),
        join(bert, link, { name: people.bert.name, camera: false }),
        enter(fox, `${server.address}${link}`, 'Felix Fuchs'),
      ])
      await Promise.all([expectMovingVideos(anna, 1), expectMovingVideos(bert, 2), expectMovingVideos(fox, 1)])

      await expect.poll(() => sentCodecs(anna)).toEqual([codec])
      await expect.poll(() => codecOf(bert, people.anna.name)).toBe(codec)
      // The library publishes neither codec from Firefox, which takes the second choice.
      await expect.poll(() => sentCodecs(fox)).toEqual(['vp8'])
      for (const page of [anna, bert]) await expect.poll(() => codecOf(page, 'Felix Fuchs')).toBe('vp8')
      await fox.close()
      expect(complaints).toEqual([])
    } finally {
      await server.close()
    }
  })
}

/** The codec in which the page receives what the person's tile shows. */
async function codecOf(page: Page, name: string): Promise<string | undefined> {
  const participant = await tile(page, name).getAttribute('data-participant')
  return (await shown(page)).find(video => video.participant === participant)?.codec
}
