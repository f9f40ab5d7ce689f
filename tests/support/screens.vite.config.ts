import { fileURLToPath } from 'node:url';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';

/** Serves the real screens over the scripted node of fake-connection.ts: for looking at them, not for shipping. */
const fake = fileURLToPath(new URL('./fake-connection.ts', import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  cacheDir: 'node_modules/.cache/screens',
  plugins: [
    {
      name: 'scripted-node',
      enforce: 'pre',
      resolveId: (source) =>
        source.endsWith('/lib/node/connect-node.ts') || source === '$lib/node/connect-node.ts' ? fake : null,
    },
    sveltekit(),
  ],
  define: { __SIGNAL_URL__: '""', __BUILD_ID__: '"screens"' },
  server: { fs: { allow: ['workers', 'static', 'tests'] }, port: 5199, hmr: false },
});
