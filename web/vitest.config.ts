import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [react()],
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    passWithNoTests: true,
    restoreMocks: true,
    maxWorkers: '100%', // nothing else runs meanwhile
    testTimeout: 60_000, // milliseconds; ends what hangs, also on a machine that is busy with ten other things
  },
})
