import type { Page } from '@playwright/test'
import { administrator, control, join, openPanel, say, signIn, tile } from './harness/acts'
import { type Prepared, prepare } from './harness/prepared'
import { Server } from './harness/server'
import { expect, test } from './harness/test'

/** Text that would do something if any place let it; each sets the mark when it runs. */
const attacks = [
  `<script>window.konklaveMark = 'script'</script>`,
  `<img src=x onerror="window.konklaveMark='img'">`,
  `<svg onload="window.konklaveMark='svg'"></svg>`,
  `"><iframe srcdoc="<script>parent.konklaveMark='frame'</script>">`,
  `javascript:window.konklaveMark='address'`,
  `[click](javascript:window.konklaveMark='link')`,
  `<a href="data:text/html,<script>1</script>">data</a>`,
  `{{constructor.constructor('window.konklaveMark=1')()}}`,
]

let server: Server
let meetings: Prepared

test.beforeAll(async () => {
  server = await Server.start()
  meetings = await prepare(server)
})

test.afterAll(() => server.close())

test('A-61 text of people is text everywhere', async ({ seat }) => {
  const host = await seat(server)
  const guest = await seat(server)
  const anna = await host.page()
  await signIn(anna, administrator)
  await anna.getByRole('link', { name: 'Council', exact: true }).waitFor()
  // Titles and names are shown in lists, headings, tiles, toasts and confirmations; messages in the chat.
  const title = attacks[1] ?? ''
  await anna.evaluate(async text => {
    const answer = (await (await fetch('/api/v1/meetings')).json()) as { items: { id: string; title: string }[] }
    const id = answer.items.find(each => each.title === 'Council')?.id
    const headers = { 'content-type': 'application/json' }
    await fetch(`/api/v1/meetings/${id}`, { method: 'PATCH', headers, body: JSON.stringify({ title: text }) })
  }, title)
  await anna.reload()
  await expect(anna.getByText(title).first()).toBeVisible()
  await join(anna, meetings.link, { microphone: false, camera: false })
  await openPanel(anna, 'Chat')

  for (const attack of attacks) {
    const page = await guest.page()
    await join(page, meetings.link, { name: attack.slice(0, 100), microphone: false, camera: false })
    await expect(tile(anna, attack.slice(0, 100))).toBeVisible()
    await openPanel(page, 'Chat')
    await say(page, attack)
    await say(anna, attack)
    await expect(page.getByText(attack)).not.toHaveCount(0)
    await openPanel(page, 'People')
    for (const view of [anna, page]) await expectUnharmed(view)
    await control(page, 'Leave').click()
    await expect(control(page, 'Leave')).toHaveCount(0)
    await page.close()
  }
  await expect(anna.locator('a[href^="javascript:"], a[href^="data:"], iframe, img[onerror], svg[onload]')).toHaveCount(
    0,
  )
})

async function expectUnharmed(page: Page): Promise<void> {
  expect(await page.evaluate(() => (globalThis as { konklaveMark?: string }).konklaveMark)).toBeUndefined()
}
