import type { Locator, Page } from '@playwright/test'
import { control, join, setUp, startMeeting, switchOn, tile } from './harness/acts'
import { people } from './harness/fixtures'
import {
  expectAudibleVoices,
  expectMovingVideos,
  received,
  sendsSilenceSparingly,
  sentDevices,
  sentHints,
} from './harness/rtc'
import { Server } from './harness/server'
import { expect, test } from './harness/test'
import { word } from './harness/words'

const patience = 60_000 // milliseconds
const enough = 50 // packets of sound: a second of it

let server: Server

test.beforeAll(async () => {
  server = await Server.start()
})

test.afterAll(async () => {
  await server.close()
})

test('what a call does with sound, picture and devices', async ({ seat }) => {
  const [anna, bert] = await Promise.all([
    seat(server, { person: people.anna }).then(opened => opened.page()),
    seat(server, { cameras: 3 }).then(opened => opened.page()),
  ])

  await test.step('the test sound plays before joining', async () => {
    await setUp(anna, server)
    const link = await startMeeting(anna)
    await join(anna, link)
    await bert.goto(link)
    await bert.getByText(word('join.devices'), { exact: true }).click()
    await playTestSound(bert)
    await join(bert, link, { name: people.bert.name })
    for (const page of [anna, bert]) {
      await expectMovingVideos(page, 1)
      await expectAudibleVoices(page, 1)
    }
  })

  await test.step('voices travel redundantly, and silence hardly at all', async () => {
    for (const page of [anna, bert]) {
      await expect.poll(() => voices(page), { timeout: patience }).toEqual(['twice'])
      expect(await sendsSilenceSparingly(page)).toBe(true)
    }
  })

  await test.step('who speaks has a ring, and who is muted has none', async () => {
    const ring = (speaking: boolean) =>
      expect(tile(bert, people.anna.name)).toHaveAttribute('data-speaking', `${speaking}`, { timeout: patience })
    await ring(true)
    await control(anna, 'Microphone').click()
    await ring(false)
    await switchOn(anna, 'Microphone')
    await ring(true)
  })

  await test.step('the quality of a line is told', async () => {
    await expect(tile(bert, people.anna.name).getByText(qualities)).toBeAttached({ timeout: patience })
  })

  await test.step('with sound only no picture travels, either way', async () => {
    await inSettings(bert, dialog => dialog.getByLabel(word('settings.audioOnly')).check())
    await expectNoPictures(bert)
    await expectAudibleVoices(bert, 1)
    await expect(tile(anna, people.bert.name).getByText(word('tile.cameraOff'))).toBeAttached()
    await inSettings(bert, dialog => dialog.getByLabel(word('settings.audioOnly')).uncheck())
    await expectMovingVideos(bert, 1, patience)
    await switchOn(bert, 'Camera')
    await expectMovingVideos(anna, 1, patience)
  })

  await test.step('another microphone and another camera take over during the call', async () => {
    for (const kind of ['microphone', 'camera'] as const) {
      const before = await sentDevices(bert)
      const chosen = await inSettings(bert, dialog =>
        chooseAnother(dialog.getByLabel(word(`devices.${kind}`), { exact: true })),
      )
      await expect.poll(async () => (await sentDevices(bert)).includes(chosen)).toBe(true)
      expect(before).not.toContain(chosen)
    }
    await expectMovingVideos(anna, 1, patience)
    await expectAudibleVoices(anna, 1, patience)
    await inSettings(bert, () => playTestSound(bert))
  })

  await test.step('a shared screen brings its sound, and is sent for motion where that was chosen', async () => {
    await control(bert, 'Share screen').click()
    const dialog = bert.getByRole('dialog')
    await dialog.getByText(word('share.motion'), { exact: true }).click()
    await dialog.getByLabel(word('share.audio')).check()
    await dialog.getByRole('button', { name: word('share.start') }).click()
    await expect(tile(anna, people.bert.name, 'screen')).toBeVisible()
    await expectMovingVideos(anna, 2, patience)
    await expect.poll(() => voices(anna), { timeout: patience }).toEqual(['once', 'twice'])
    expect(await sentHints(bert)).toContain('motion')
    await control(bert, 'Share screen').click()
    await expect(tile(anna, people.bert.name, 'screen')).toHaveCount(0)
  })
})

const qualities = new RegExp(['excellent', 'good', 'poor'].map(name => word(`quality.${name}`)).join('|'))

/** The button says that it plays for less than a second, so it is watched from before on. */
async function playTestSound(page: Page): Promise<void> {
  const button = page.getByRole('button', { name: word('devices.speakerTest') })
  const watch = await button.evaluateHandle(
    (element, playing) => ({
      plays: new Promise<void>(resolve => {
        const told = () => element.textContent?.includes(playing) && resolve()
        new MutationObserver(told).observe(element, { subtree: true, childList: true, characterData: true })
      }),
    }),
    word('devices.speakerPlaying'),
  )
  await button.click()
  await watch.evaluate(({ plays }) => plays)
  await expect(page.getByRole('button', { name: word('devices.speakerTest') })).toBeVisible()
  await expect(page.getByText(word('devices.speakerFailed'))).toHaveCount(0)
}

/** Does something in the dialog of the settings, and closes it. */
async function inSettings<T>(page: Page, act: (dialog: Locator) => Promise<T>): Promise<T> {
  await control(page, 'Settings').click()
  const dialog = page.getByRole('dialog')
  const result = await act(dialog)
  await dialog.getByRole('button', { name: word('action.done') }).click()
  await expect(dialog).toHaveCount(0)
  return result
}

/** Chooses the last entry, which was not chosen, and returns its id; Chromium's second camera takes pictures of depth. */
async function chooseAnother(field: Locator): Promise<string> {
  const before = await field.inputValue()
  const ids = await field
    .locator('option')
    .evaluateAll(options => options.map(option => (option as HTMLOptionElement).value))
  const other = ids.at(-1)
  if (other === undefined || other === before) throw new Error('there is no other')
  await field.selectOption(other)
  return other
}

/** How often each sound that arrives is sent: the browser names the codec within, so the copies are counted. */
async function voices(page: Page): Promise<string[]> {
  const streams = (await received(page)).filter(stream => stream.kind === 'audio' && stream.packets > enough)
  return streams.map(({ packets, spare }) => (spare > packets / 2 ? 'twice' : 'once')).sort()
}

/** Waits until no picture arrives between two looks, which lie further apart than pictures do. */
async function expectNoPictures(page: Page): Promise<void> {
  const decoded = async () =>
    (await received(page))
      .filter(stream => stream.kind === 'video')
      .reduce((sum, stream) => sum + stream.framesDecoded, 0)
  let before = Number.NaN // until the first look, which the poll takes at once
  const more = async () => {
    const now = await decoded()
    const arrived = now - before
    before = now
    return arrived
  }
  await expect.poll(more, { message: 'pictures still arrive', timeout: patience, intervals: [1_000] }).toBe(0)
}
