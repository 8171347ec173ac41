import { control, join, messages, openPanel, say, setUp, startMeeting } from './harness/acts'
import { people } from './harness/fixtures'
import { brokenLine } from './harness/guard'
import { expectAudibleVoices, expectMovingVideos } from './harness/rtc'
import { runsReplacedProgram, Server } from './harness/server'
import { expect, test } from './harness/test'

/** How long a browser may take until everything is back, in milliseconds; the benchmarks tell how long it does take. */
const patience = 60_000

let server: Server

test.beforeAll(async () => {
  server = await Server.start({ replaceable: true })
})

test.afterAll(() => server.close())

test('a meeting outlives its worker, its controller, both at once, the front, and an upgrade', async ({ seat }) => {
  test.setTimeout(420_000)
  const seats = {
    anna: await seat(server, { person: people.anna }),
    bert: await seat(server, { person: people.bert }),
    cleo: await seat(server, { person: people.cleo }),
  }
  for (const { guard } of Object.values(seats)) guard.allow(brokenLine)
  const [anna, bert, cleo] = [await seats.anna.page(), await seats.bert.page(), await seats.cleo.page()]
  const everybody = [anna, bert, cleo]
  const said: string[] = []

  /** Somebody says something, and all have all that was ever said, in order; everybody sees and hears everybody. */
  const meet = async (what: string) => {
    for (const [page, who] of [
      [anna, 'anna'],
      [bert, 'bert'],
      [cleo, 'cleo'],
    ] as const) {
      await say(page, `${who} ${what}`)
      said.push(`${who} ${what}`)
      for (const each of everybody) await expect.poll(() => messages(each), { timeout: patience }).toEqual(said)
    }
    for (const page of everybody) {
      await expectMovingVideos(page, 2, patience)
      await expectAudibleVoices(page, 2, patience)
    }
  }
  const kill = (...verbs: string[]) => {
    const doomed = verbs.map(verb => server.only(verb))
    for (const { pid } of doomed) process.kill(pid, 'SIGKILL')
  }

  await test.step('three people meet', async () => {
    await setUp(anna, server)
    const link = await startMeeting(anna)
    await join(anna, link)
    await join(bert, link, { name: people.bert.name })
    await join(cleo, link, { name: people.cleo.name })
    for (const page of everybody) await openPanel(page, 'Chat')
    await meet('is here')
  })

  await test.step('the worker is killed', async () => {
    kill('conference')
    await meet('is back after the worker')
  })

  await test.step('the controller is killed', async () => {
    const worker = server.only('conference').pid
    kill('controller')
    await meet('is there without the controller')
    expect(server.only('conference').pid).toBe(worker)
  })

  await test.step('both are killed at once', async () => {
    kill('controller', 'conference')
    await meet('is back after both')
  })

  await test.step('the front is killed', async () => {
    kill('front')
    await meet('is back after the front')
  })

  await test.step('the program is upgraded', async () => {
    const before = { controller: server.only('controller').pid, worker: server.only('conference').pid }
    await server.upgrade()
    expect(server.only('controller').pid).not.toBe(before.controller)
    expect(runsReplacedProgram(server.only('controller'))).toBe(false)
    expect(server.only('conference').pid).toBe(before.worker)
    expect(runsReplacedProgram(server.only('conference'))).toBe(true)
    await meet('is there after the upgrade')
    const other = await seats.anna.page()
    await other.goto('/')
    await join(other, await startMeeting(other), { camera: false })
    const [old, young] = server.workers()
    expect(old?.pid).toBe(before.worker)
    expect(young && runsReplacedProgram(young)).toBe(false)
  })

  await test.step('nobody had to do anything, and nothing was lost', async () => {
    for (const page of everybody) {
      expect(await messages(page)).toEqual(said)
      await expect(control(page, 'Leave')).toBeVisible()
    }
  })
})
