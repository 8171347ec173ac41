import { defineConfig } from '@playwright/test'

/** Measurements in a real browser; `make bench` runs them. They print figures and judge nothing. */
export default defineConfig({
  testDir: 'bench',
  testMatch: '*.bench.ts',
  outputDir: '../test-results',
  workers: 1,
  retries: 0,
  timeout: 600_000,
  reporter: [['line']],
})
