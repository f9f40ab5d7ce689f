import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from '@playwright/test';
import { findChromium } from './run/chromium.mjs';

/** `npm test` reads the counts from here; a run by hand leaves them in a folder of its own. */
const report = process.env.HEARTHNET_E2E_REPORT ?? join(mkdtempSync(join(tmpdir(), 'hearthnet-e2e-')), 'e2e.json');
const chromium = findChromium();

/** Each spec starts its own server on a free port, and its own profiles: nothing is shared, nothing is tried again. */
export default defineConfig({
  testDir: 'e2e',
  outputDir: '../test-results',
  workers: 1,
  retries: 0,
  timeout: 120_000,
  // How long something takes is for the bench; here it only has to come, on a busy machine too.
  expect: { timeout: 20_000 },
  forbidOnly: process.env.CI !== undefined,
  reporter: [['list'], ['json', { outputFile: report }]],
  use: {
    browserName: 'chromium',
    launchOptions: { ...(chromium === null ? {} : { executablePath: chromium.path }), args: ['--no-sandbox'] },
  },
});
