import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { compress } from './tools/compress.mjs'
import { keepManifest } from './tools/manifest.mjs'

// The server to develop against: run `konklave serve` and `npm run dev` side by side.
const server = process.env['KONKLAVE_DEV_SERVER'] ?? 'http://localhost:8080'
const proxied = { target: server, ws: true, changeOrigin: true }

export default defineConfig({
  plugins: [react(), tailwindcss(), keepManifest(), compress()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    sourcemap: false,
    // Which source is in which chunk, for tools/size.mjs; keepManifest takes it out of the build.
    manifest: true,
    target: 'es2022',
    // The first versions with light-dark(), which must reach the browser as it is written.
    cssTarget: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    // The content security policy allows neither inline scripts nor data: fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': proxied, '/conference': proxied } },
})
