import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { sveltekit } from '@sveltejs/kit/vite';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { findChromium } from './tests/run/chromium.mjs';

const inNode = (name: string, include: string[]) => ({
  extends: true as const,
  test: { name, include, environment: 'node' as const, testTimeout: 30_000 },
});

/** Content hash of every file under static/, so that a release fetches anew what has changed and nothing else. */
const staticRevisions = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync('static', { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}/${entry.name}`.replaceAll('\\', '/'))
      .sort()
      .map((path) => [
        path.slice('static'.length),
        createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16),
      ]),
  );

const chromium = process.env.VITEST === undefined ? null : findChromium();

export default defineConfig({
  plugins: [sveltekit()],
  define: {
    // The one build variable of a static deployment: where its signalling server is. Empty means "same host".
    __SIGNAL_URL__: JSON.stringify(process.env.SIGNAL_URL ?? ''),
    __STATIC_REVISIONS__: JSON.stringify(staticRevisions()),
    __BUILD_ID__: JSON.stringify(process.env.HEARTHNET_BUILD ?? 'dev'),
  },
  // One file a worker: the service worker keeps every built file, and SvelteKit does not tell it of a worker's lazy chunks.
  worker: { format: 'es' as const, rolldownOptions: { output: { codeSplitting: false } } },
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
            ...[
              '@noble/curves/ed25519.js',
              '@noble/ed25519',
              '@noble/hashes/sha2.js',
              '@orama/stemmers/english',
              '@orama/stemmers/german',
              'comlink',
              'idb',
              'lib0/decoding',
              'lib0/encoding',
            ],
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
