import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from '@playwright/test';
import { build } from 'vite';
import { findChromium } from '../run/chromium.mjs';
import { writeStreet } from './log-street.ts';
import type { LogBench } from './page-log.ts';
import { note, rounded, type BenchResult } from './samples.ts';

const total = 100_000;

/**
 * The log at 100,000 events in Chromium, in a persistent profile on disk. The signatures are real; only their making was quick.
 * Each figure has its limit beside it from the same page: WebCrypto alone, and IndexedDB alone with records of the same bytes.
 * `appendPerS` is whole: verify, hash and commit, so that it can be no faster than both limits one after the other
 * (`boundPerS`). The cold start is a new browser on the same profile; the disk's cache is warm.
 * `bytesPerEvent` is what sync's frames carry for an event beside its payload. Memory is the page's JavaScript heap and the buffers
 * behind it: when the newest 200 can be shown (`memoryMbLoaded`), and with every message folded and ids indexed.
 */
export const run = async (args: readonly string[]): Promise<BenchResult> => {
  const count = Number(args[0] ?? total);
  note(`signing ${count} events`);
  const { bytes, identity, wireBytesPerEvent } = await writeStreet(count);
  const folder = mkdtempSync(join(tmpdir(), 'hearthnet-bench-log-'));
  const server = await servePage(folder, bytes);
  try {
    note('taking them in');
    const filled = await inBrowser(join(folder, 'profile'), server.url, (page) =>
      page.evaluate((who) => bench.fill(who), identity),
    );
    note('10,000 of them as sync brings them');
    const syncAppendPerS = await inBrowser(join(folder, 'profile-sync'), server.url, (page) =>
      page.evaluate(([who, most]) => bench.fillAsSync(who, most), [identity, Math.min(10_000, count)] as const),
    );
    note('cold start');
    const cold = await inBrowser(join(folder, 'profile'), server.url, async (page) => {
      const before = await memoryOf(page);
      const start = await page.evaluate((who) => bench.coldStart(who), identity);
      const loaded = await memoryOf(page);
      const folded = await page.evaluate(() => bench.foldAll());
      return { ...start, ...folded, before, loaded, after: await memoryOf(page) };
    });
    const boundPerS = Math.round(1 / (1 / filled.rawIdbPerS + 1 / filled.rawVerifyPerS));
    return {
      figures: {
        appendPerS: filled.appendPerS,
        appendOverRaw: rounded(filled.appendPerS / filled.rawIdbPerS, 2),
        appendOverBound: rounded(filled.appendPerS / boundPerS, 2),
        syncAppendPerS,
        ownAppendPerS: filled.ownAppendPerS,
        verifyPerS: filled.verifyPerS,
        verifyOverRaw: rounded(filled.verifyPerS / filled.rawVerifyPerS, 2),
        coldStart100kMs: rounded(cold.usableMs),
        coldRead100kMs: rounded(cold.readMs),
        coldLoad100kMs: rounded(cold.loadMs),
        coldShown100kMs: rounded(cold.shownMs),
        coldFold100kMs: rounded(cold.usableMs + cold.foldMs),
        refold100kMs: rounded(cold.refoldMs),
        newestIsOfFold: cold.isSame,
        memoryMb100k: rounded((cold.after - cold.before) / 1024 ** 2),
        memoryMbLoaded: rounded((cold.loaded - cold.before) / 1024 ** 2),
        bytesPerEvent: rounded(wireBytesPerEvent),
        envelopeBytes: rounded(filled.bytesPerEvent),
        messages: cold.messages,
        events: filled.events,
      },
      peers: {
        rawIndexedDb: { batch1000PerS: filled.rawIdbPerS },
        rawWebCrypto: { verifyPerS: filled.rawVerifyPerS },
        both: { boundPerS },
      },
    };
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Lives on the page. */
declare const bench: LogBench;

const servePage = async (folder: string, events: Buffer) => {
  const scripts = new Map<string, Buffer>();
  for (const [name, entry] of [
    ['page-log.js', 'page-log.ts'],
    ['verify.worker.js', '../../workers/verify.worker.ts'],
  ] as const) {
    await buildScript(folder, name, entry);
    scripts.set(`/${name}`, readFileSync(join(folder, name)));
  }
  const server = createServer(({ url }, response) => {
    if (url === '/events.bin') response.setHeader('content-type', 'application/octet-stream').end(events);
    else if (scripts.has(url ?? '')) response.setHeader('content-type', 'text/javascript').end(scripts.get(url ?? ''));
    else
      response
        .setHeader('content-type', 'text/html')
        .end('<!doctype html><title>bench</title><script type="module" src="/page-log.js"></script>');
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => void server.close() };
};

const buildScript = (folder: string, name: string, entry: string) =>
  build({
    configFile: false,
    logLevel: 'error',
    root: fileURLToPath(new URL('.', import.meta.url)),
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      outDir: folder,
      emptyOutDir: false,
      copyPublicDir: false,
      lib: { entry: fileURLToPath(new URL(entry, import.meta.url)), formats: ['es'], fileName: () => name },
    },
  });

/** A browser of its own on a profile on disk, and its one page. */
const inBrowser = async <T>(profile: string, url: string, act: (page: Page) => Promise<T>): Promise<T> => {
  const found = findChromium();
  const context = await chromium.launchPersistentContext(profile, {
    ...(found ? { executablePath: found.path } : {}),
    args: ['--no-sandbox'],
  });
  try {
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForFunction(() => 'bench' in globalThis);
    return await act(page);
  } finally {
    await context.close();
  }
};

/** JavaScript heap and the buffers behind it, after a collection. */
const memoryOf = async (page: Page): Promise<number> => {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const usage = (await session.send('Runtime.getHeapUsage')) as { usedSize: number; backingStorageSize?: number };
  await session.detach();
  return usage.usedSize + (usage.backingStorageSize ?? 0);
};
