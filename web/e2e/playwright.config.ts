import { defineConfig } from '@playwright/test'

/** The specs that judge sound, picture or speed, or start providers of their own: nothing else may run beside them. */
const calls = /\/(call|certificate|codec|failures|firefox|firewall|keyboard|media|parts|providers|recovery)\.spec\.ts$/

/** Browser tests against the real binary. Each spec starts its own server, so the order does not matter. */
export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: '../test-results',
  // A call is four browsers that code and decode video: one at a time is what two cores carry. `make e2e-only` gives the pages more.
  workers: 1,
  projects: [
    { name: 'pages', testIgnore: calls },
    { name: 'calls', testMatch: calls },
  ],
  retries: 0,
  forbidOnly: true,
  // No test is about these limits: they end what hangs, also on a machine that is busy with ten other things.
  timeout: 300_000,
  expect: { timeout: 30_000 },
  reporter: [['list']],
})
