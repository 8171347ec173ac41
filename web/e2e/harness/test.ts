import { writeFileSync } from 'node:fs'
import { test as base, type TestInfo } from '@playwright/test'
import { type BrowserOptions, Seat } from './browser'
import type { Server } from './server'

export { expect } from '@playwright/test'

/** Opens another person's browser at the server; all are closed, and must have behaved, when the test ends. */
export type OpenSeat = (server: Server, options?: BrowserOptions) => Promise<Seat>

/** Playwright's test with guarded browsers. A failed test leaves pictures of every page and the server's log. */
export const test = base.extend<{ readonly seat: OpenSeat }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures that are needed out of the pattern
  seat: async ({}, use, info) => {
    const seats: Seat[] = []
    const servers = new Set<Server>()
    await use(async (server, options) => {
      const seat = await Seat.open(server.address, options)
      seats.push(seat)
      servers.add(server)
      return seat
    })
    if (info.status !== info.expectedStatus) await keepEvidence(seats, servers, info)
    const outcomes = await Promise.allSettled(seats.map(seat => seat.close()))
    const complaints = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [String(outcome.reason)] : []))
    if (complaints.length > 0) throw new Error(complaints.join('\n'))
  },
})

async function keepEvidence(seats: readonly Seat[], servers: ReadonlySet<Server>, info: TestInfo): Promise<void> {
  for (const [seat, { context }] of seats.entries()) {
    for (const [page, view] of context.pages().entries()) {
      await view.screenshot({ path: info.outputPath(`seat-${seat}-${page}.png`) }).catch(() => undefined)
    }
  }
  for (const [number, server] of [...servers].entries()) {
    writeFileSync(info.outputPath(`server-${number}.log`), server.log)
  }
}
