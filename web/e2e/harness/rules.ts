import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from '@playwright/test'

/**
 * Examines a page by the rules of axe, in one piece: for frames of other sites, which no page has, axe would open a blank page
 * each time, at twice the cost.
 */
export const rulesFor = (page: Page) => new AxeBuilder({ page }).setLegacyMode()
