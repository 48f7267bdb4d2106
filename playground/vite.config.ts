// Fixed names and no source maps: the built page is committed, and building twice gives the same bytes.
// `npm run dev` serves the source at /playground/ and asks a `som playground` that runs beside it.
import { defineConfig } from 'vite'

const SERVER = { target: 'http://127.0.0.1:8600', changeOrigin: false }

export default defineConfig(({ command }) => ({
  base: command === 'serve' ? '/playground/' : './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // With the Host of the browser, because the server refuses other sites.
  server: { proxy: { '/playground/api': SERVER, '/v1': SERVER } },
  build: {
    outDir: '../src/skillofmind/serve/playground/static',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        entryFileNames: 'playground.js',
        chunkFileNames: '[name].js',
        assetFileNames: 'playground[extname]',
      },
    },
  },
}))
