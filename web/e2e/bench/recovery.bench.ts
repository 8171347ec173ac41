import { setTimeout as pause } from 'node:timers/promises'
import { control, join, setUp, startMeeting } from '../harness/acts'
import { people } from '../harness/fixtures'
import { brokenLine } from '../harness/guard'
import { expectMovingVideos } from '../harness/rtc'
import { Server } from '../harness/server'
import { expect, test } from '../harness/test'
import { takeTimes, times } from './clock'
import { printSpread } from './figures'

const rounds = 15
const settle = 3_000 // milliseconds between two rounds, so that one does not pay for the other

test('worker killed to remote video decoding again', async ({ seat }) => {
  const server = await Server.start({ args: ['--conference-restarts', '1000'] })
  const host = await seat(server, { person: people.anna })
  const guest = await seat(server, { person: people.bert })
  for (const { context, guard } of [host, guest]) {
    await context.addInitScript(takeTimes)
    guard.allow(brokenLine)
  }
  const [anna, bert] = [await host.page(), await guest.page()]
  await setUp(anna, server)
  const link = await startMeeting(anna)
  await join(anna, link)
  await join(bert, link, { name: people.bert.name })
  const gaps: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (const page of [anna, bert]) await expectMovingVideos(page, 1)
    await pause(settle)
    const before = await Promise.all([anna, bert].map(async page => (await times(page)).decoded.length))
    const killed = Date.now()
    process.kill(server.only('conference').pid, 'SIGKILL')
    for (const [index, page] of [anna, bert].entries()) {
      const count = before[index] ?? 0
      await expect
        .poll(async () => (await times(page)).decoded.length, { intervals: [50], timeout: 30_000 })
        .toBeGreaterThan(count)
      gaps.push(((await times(page)).decoded[count] ?? Number.NaN) - killed)
    }
    await expect(control(anna, 'Leave')).toBeVisible()
  }
  console.log(`\nworker killed → remote video decoding again, ${rounds} kills, two Chromium, loopback`)
  printSpread('receiver', gaps, 'p50 2500 ms')
  await server.close()
})
