import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { sveltekit } from '@sveltejs/kit/vite';
import { playwright } from '@vitest/browser-playwright';
import type { Plugin, Rolldown } from 'vite';
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

/** What a worker starts with stays in one file, also what a file loaded later shares with it: pieces pack and load worse. */
const nameOfStart = (id: string, context: Rolldown.ChunkingContext): string | null => {
  const importers = new Set([id]);
  for (const each of importers) {
    const info = context.getModuleInfo(each);
    if (info?.isEntry) return 'start';
    for (const importer of info?.importers ?? []) importers.add(importer);
  }
  return null;
};

const workerFolder = '_app/immutable/workers/';

/**
 * SvelteKit tells the service worker of the files in Vite's manifest, where workers stand and what they load later does not.
 * So it is written in there, with whoever starts a worker: what is not on the device cannot be loaded without a network.
 */
const tellOfWorkerChunks: Plugin = {
  name: 'tell-of-worker-chunks',
  apply: 'build',
  enforce: 'post',
  config: () => ({
    worker: { rolldownOptions: { output: { chunkFileNames: `${workerFolder}chunks/[name]-[hash].js` } } },
  }),
  generateBundle: (_options, bundle) => {
    const chunks = Object.keys(bundle).filter((file) => file.startsWith(`${workerFolder}chunks/`));
    for (const output of Object.values(bundle)) {
      const assets = output.type === 'chunk' ? output.viteMetadata?.importedAssets : undefined;
      if (!assets || ![...assets].some((file) => file.startsWith(workerFolder))) continue;
      for (const chunk of chunks) assets.add(chunk);
    }
  },
};

const chromium = process.env.VITEST === undefined ? null : findChromium();

export default defineConfig({
  plugins: [sveltekit(), tellOfWorkerChunks],
  define: {
    // The one build variable of a static deployment: where its signalling server is. Empty means "same host".
    __SIGNAL_URL__: JSON.stringify(process.env.SIGNAL_URL ?? ''),
    __STATIC_REVISIONS__: JSON.stringify(staticRevisions()),
    __BUILD_ID__: JSON.stringify(process.env.HEARTHNET_BUILD ?? 'dev'),
  },
  worker: {
    format: 'es' as const,
    rolldownOptions: {
      // Bounds are written where they are used, whichever file they come from.
      optimization: { inlineConst: true },
      output: { codeSplitting: { groups: [{ name: nameOfStart, debugName: 'start' }] } },
    },
  },
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
