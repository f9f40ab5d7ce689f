import { sveltekit } from '@sveltejs/kit/vite';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { findChromium } from './tests/run/chromium.mjs';

const inNode = (name: string, include: string[]) => ({
  extends: true as const,
  test: { name, include, environment: 'node' as const, testTimeout: 30_000 },
});

const chromium = process.env.VITEST === undefined ? null : findChromium();

export default defineConfig({
  plugins: [sveltekit()],
  define: {
    // The one build variable of a static deployment: where its signalling server is. Empty means "same host".
    __SIGNAL_URL__: JSON.stringify(process.env.SIGNAL_URL ?? ''),
    __BUILD_ID__: JSON.stringify(process.env.HEARTHNET_BUILD ?? 'dev'),
  },
  worker: { format: 'es' as const },
  server: { fs: { allow: ['workers', 'static', 'tests'] } },
  test: {
    projects: [
      inNode('unit', ['tests/unit/**/*.test.ts', 'tests/contracts/**/*.node.test.ts']),
      inNode('attack', ['tests/attack/**/*.test.ts']),
      {
        extends: true as const,
        // Named beforehand: a dependency that Vite finds late makes it reload the page under a running test.
        optimizeDeps: {
          include: [
            ...['@noble/ed25519', '@orama/stemmers/english', '@orama/stemmers/german', 'comlink', 'idb', 'lib0/decoding', 'lib0/encoding'],
            ...['simple-peer/simplepeer.min.js', 'valibot', 'y-protocols/sync', 'yjs'],
          ],
        },
        test: {
          name: 'browser',
          include: ['tests/browser/**/*.test.ts'],
          testTimeout: 30_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                // Playwright's own choice where none is found; npm test counts that as a failure before it comes to this.
                ...(chromium === null ? {} : { executablePath: chromium.path }),
                args: ['--no-sandbox'],
              },
            }),
            instances: [{ browser: 'chromium' as const }],
          },
        },
      },
    ],
  },
});
