import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { compress } from './tools/compress.mjs'

// The server to develop against: run `konklave serve` and `npm run dev` side by side.
const server = process.env['KONKLAVE_DEV_SERVER'] ?? 'http://localhost:8080'
const proxied = { target: server, ws: true, changeOrigin: true }

export default defineConfig({
  plugins: [react(), tailwindcss(), compress()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    sourcemap: false,
    target: 'es2022',
    // The content security policy allows neither inline scripts nor data: fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': proxied, '/conference': proxied } },
})
