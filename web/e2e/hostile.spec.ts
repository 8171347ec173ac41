import type { Page } from '@playwright/test'
import { control, join, openPanel, say, setUp, startMeeting, tile } from './harness/acts'
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

test.beforeAll(async () => {
  server = await Server.start()
})

test.afterAll(() => server.close())

test('A-61 text of people is text everywhere', async ({ seat }) => {
  const host = await seat(server)
  const guest = await seat(server)
  const anna = await host.page()
  await setUp(anna, server)
  const first = await startMeeting(anna)
  await anna.goto('/')
  // Titles and names are shown in lists, headings, tiles, toasts and confirmations; messages in the chat.
  const title = attacks[1] ?? ''
  const id = await anna.evaluate(async () => {
    const answer = (await (await fetch('/api/v1/meetings')).json()) as { items: { id: string }[] }
    return answer.items[0]?.id
  })
  const renamed = await anna.evaluate(
    async ([meeting, text]) => {
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ title: text })
      return (await fetch(`/api/v1/meetings/${meeting}`, { method: 'PATCH', headers, body })).status
    },
    [id, title] as const,
  )
  expect(renamed).toBe(200)
  await anna.reload()
  await expect(anna.getByText(title).first()).toBeVisible()
  await join(anna, first, { microphone: false, camera: false })
  await openPanel(anna, 'Chat')

  for (const attack of attacks) {
    const page = await guest.page()
    await join(page, first, { name: attack.slice(0, 100), microphone: false, camera: false })
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
