import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { openStreet, type Street } from '../support/street.ts';

/**
 * A street whose server gives out the bench's own pages in place of the app. They are built into a temporary folder and come
 * from the real server: Chromium would not let a page that the test made up reach a socket on this machine.
 */
export const openBenchStreet = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearthnet-bench-'));
  for (const name of pages) {
    await buildPage(name, folder);
    const script = `<script type="module" src="/${name}.js"></script>`;
    writeFileSync(
      join(folder, `${name}.html`),
      `<!doctype html><html lang="en"><title>${name}</title>${script}</html>`,
    );
  }
  writeFileSync(join(folder, '200.html'), '<!doctype html><title>bench</title>');
  const street: Street = await openStreet();
  const before = process.env['APP_DIR'];
  process.env['APP_DIR'] = folder;
  await street.startServer();
  if (before === undefined) delete process.env['APP_DIR'];
  else process.env['APP_DIR'] = before;
  return {
    ...street,
    signalUrl: (): string => `${street.url().replace(/^http/, 'ws')}/mesh`,
    close: async (): Promise<void> => {
      await street.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
export type BenchStreet = Awaited<ReturnType<typeof openBenchStreet>>;

const pages = ['page-own', 'page-stock', 'page-bus'] as const;

const buildPage = async (name: string, outDir: string): Promise<void> => {
  const entry = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  await build({
    configFile: false,
    logLevel: 'error',
    root: fileURLToPath(new URL('.', import.meta.url)),
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      outDir,
      emptyOutDir: false,
      copyPublicDir: false,
      lib: { entry, formats: ['es'], fileName: () => `${name}.js` },
    },
  });
};
