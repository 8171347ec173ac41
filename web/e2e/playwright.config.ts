import { defineConfig } from '@playwright/test'

/** Browser tests against the real binary. Each spec starts its own server, so the order does not matter. */
export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: '../test-results',
  // A call is four browsers that code and decode video: one at a time is what two cores carry.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  // No test is about these limits: they end what hangs, also on a machine that is busy with ten other things.
  timeout: 300_000,
  expect: { timeout: 30_000 },
  reporter: [['list']],
})
