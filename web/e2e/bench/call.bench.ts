import { setTimeout as pause } from 'node:timers/promises'
import type { Page } from '@playwright/test'
import { control, join, setUp, startMeeting, switchOn } from '../harness/acts'
import { people } from '../harness/fixtures'
import { expectMovingVideos } from '../harness/rtc'
import { Server } from '../harness/server'
import { expect, test } from '../harness/test'
import { takeTimes, times } from './clock'
import { memoryOf, printSpread } from './figures'

const rounds = 20
const workerRounds = 5
const settle = 1_000 // milliseconds between two rounds, so that one does not pay for the other

test('join click to first decoded frame', async ({ seat }) => {
  const server = await Server.start()
  const host = await seat(server)
  const guest = await seat(server)
  for (const { context } of [host, guest]) await context.addInitScript(takeTimes)
  const anna = await host.page()
  await setUp(anna, server)
  const link = await startMeeting(anna)
  await join(anna, link)
  const figures = {
    decodes: [] as number[],
    sees: [] as number[],
    othersDecode: [] as number[],
    othersSee: [] as number[],
  }
  for (let round = 0; round < rounds; round++) {
    const bert = await guest.page()
    await prepare(bert, link)
    const before = await times(anna)
    await control(bert, 'Join').click()
    await expect.poll(async () => (await times(bert)).seen.length, { intervals: [50] }).toBeGreaterThan(0)
    await expect
      .poll(async () => (await times(anna)).seen.length, { intervals: [50] })
      .toBeGreaterThan(before.seen.length)
    const [own, other] = [await times(bert), await times(anna)]
    figures.decodes.push((own.decoded[0] ?? Number.NaN) - own.click)
    figures.sees.push((own.seen[0] ?? Number.NaN) - own.click)
    figures.othersDecode.push((other.decoded.at(-1) ?? Number.NaN) - own.click)
    figures.othersSee.push((other.seen.at(-1) ?? Number.NaN) - own.click)
    await control(bert, 'Leave').click()
    await expect(control(bert, 'Leave')).toHaveCount(0)
    await bert.close()
    await pause(settle)
  }
  console.log(`\njoin click → first remote frame, ${rounds} rounds, two Chromium, loopback`)
  printSpread('joiner decodes', figures.decodes, 'p50 350 ms, p95 700 ms')
  printSpread('joiner sees', figures.sees, 'none')
  printSpread('others decode', figures.othersDecode, 'p50 700 ms')
  printSpread('others see', figures.othersSee, 'none')
  await server.close()
})

test('the first one, who starts the worker; memory with two', async ({ seat }) => {
  const server = await Server.start()
  const host = await seat(server)
  const guest = await seat(server)
  const start = await host.page()
  await setUp(start, server)
  const entered: number[] = []
  for (let round = 0; round < workerRounds; round++) {
    const page = await host.page()
    await page.goto('/')
    const link = await startMeeting(page)
    await switchOn(page, 'Camera')
    const begin = performance.now()
    await control(page, 'Join').click()
    await expect(control(page, 'Leave')).toBeVisible()
    entered.push(performance.now() - begin)
    if (round === workerRounds - 1) {
      const bert = await guest.page()
      await join(bert, link, { name: people.bert.name })
      await expectMovingVideos(page, 1)
      await pause(5 * settle)
      printMemory(server)
    } else {
      await page.close()
    }
  }
  printSpread('click → in the conference, for the one who starts the worker', entered, 'none')
  const ready = [...server.log.matchAll(/worker is ready.* took=([\d.]+)(µs|ms|s)/g)]
  printSpread(
    'worker exec → ready',
    ready.map(([, value, unit]) => Number(value) * (unit === 's' ? 1000 : unit === 'µs' ? 0.001 : 1)),
    '40 ms',
  )
  await server.close()
})

test('bytes that the browser loads', async ({ seat }) => {
  const server = await Server.start()
  const admin = await seat(server)
  const start = await admin.page()
  await setUp(start, server)
  const link = await startMeeting(start)
  await join(start, link, { microphone: false, camera: false })
  const guest = await seat(server, { context: { extraHTTPHeaders: { 'accept-encoding': 'gzip' } } })
  const page = await guest.page()
  const sizes: number[] = []
  const names: string[] = []
  page.on('requestfinished', async request => {
    const { responseBodySize } = await request.sizes()
    sizes.push(responseBodySize)
    names.push(`${(responseBodySize / 1000).toFixed(1).padStart(8)} kB  ${new URL(request.url()).pathname}`)
  })
  const total = () => sizes.reduce((sum, size) => sum + size, 0) / 1000
  await page.goto(link)
  await page.waitForLoadState('networkidle')
  // The page warms up with the conference's own parts once it is painted.
  const later = names.findIndex(name => /\/(ConferencePage|room)-/.test(name))
  const ahead = sizes.slice(later).reduce((sum, size) => sum + size, 0) / 1000
  console.log(`\nbytes loaded, gzip\n${names.splice(0).join('\n')}`)
  console.log(
    `join page: ${(total() - ahead).toFixed(0)} kB; target 150 kB; fetched ahead once painted: ${ahead.toFixed(0)} kB`,
  )
  await join(page, link, { name: people.bert.name })
  await page.waitForLoadState('networkidle')
  console.log(names.join('\n'))
  console.log(`conference page in total: ${total().toFixed(0)} kB; target 320 kB`)
  await server.close()
})

async function prepare(page: Page, link: string): Promise<void> {
  await page.goto(link)
  await page.getByLabel('Your name').fill(people.bert.name)
  await switchOn(page, 'Microphone')
  await switchOn(page, 'Camera')
  await page.waitForLoadState('networkidle')
}

function printMemory(server: Server): void {
  for (const { verb, pid } of server.processes()) {
    const { own, share } = memoryOf(pid)
    console.log(`memory of ${verb} (${pid}): ${own.toFixed(1)} MiB of its own, ${share.toFixed(1)} MiB with its share`)
  }
}
