import { expect, type Page } from '@playwright/test'

const widths = [320, 360, 1280, 2560]

/** Wants nothing to stand out at the side at any width; leaves pictures by that name in the folder WEB_SHOTS, if it is set. */
export async function expectFits(page: Page, name: string): Promise<void> {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 })
    const content = () => page.evaluate(() => document.documentElement.scrollWidth)
    await expect.poll(content, { message: `width of the content at ${width} px` }).toBeLessThanOrEqual(width)
    const folder = process.env['WEB_SHOTS']
    if (folder) await page.screenshot({ path: `${folder}/${name}-${width}.png`, fullPage: true })
  }
}
