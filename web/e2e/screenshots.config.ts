import { defineConfig } from '@playwright/test'

/** Pictures of every page for people to look at; `make screenshots` takes them. */
export default defineConfig({
  testDir: 'screenshots',
  testMatch: '*.shots.ts',
  outputDir: '../test-results',
  workers: 1,
  retries: 0,
  timeout: 600_000,
  reporter: [['line']],
})
