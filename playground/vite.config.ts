// Fixed names and no source maps: the built page is committed, and building twice gives the same bytes.
// `npm run dev` serves the source at /playground/ and asks a `som playground` that runs beside it.
import { defineConfig } from 'vite'

export default defineConfig(({ command }) => ({
  base: command === 'serve' ? '/playground/' : './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { proxy: { '/playground/api': 'http://127.0.0.1:8600', '/v1': 'http://127.0.0.1:8600' } },
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
