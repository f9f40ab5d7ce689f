import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { build, loadConfigFromFile } from 'vite';
import { hasOpenssl, makeCertificate } from '../support/certificate.ts';
import { serveStaticFolder } from '../support/static-folder.ts';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { foundNeighbourhood, goTo, knock, letIn, readPillSheet, say, showInvite } from '../support/walks.ts';

/** The ways to a phone: https from this server, any static host, and plain words where neither is. */

const expectCalm = (...residents: readonly Resident[]): void => {
  for (const { name, complaints, foreignRequests } of residents) {
    expect({ name, complaints, foreignRequests }).toEqual({ name, complaints: [], foreignRequests: [] });
  }
};

const withStreet = async (
  options: Parameters<typeof openStreet>[0],
  walk: (street: Street) => Promise<void>,
): Promise<void> => {
  const street = await openStreet(options);
  try {
    await street.startServer();
    await walk(street);
  } finally {
    await street.close();
  }
};

test('with a certificate the same server gives https and wss, and Anna founds her neighbourhood there', async () => {
  test.skip(!hasOpenssl(), 'openssl is missing, so no certificate can be made: https and wss are NOT tested here');
  const certificate = makeCertificate();
  const environment = { TLS_CERT: certificate.cert, TLS_KEY: certificate.key };
  const browserArgs = [`--ignore-certificate-errors-spki-list=${certificate.spki}`];
  try {
    await withStreet({ environment }, async (street) => {
      expect(street.url()).toMatch(/^https:/);
      const anna = await street.move('Anna', { browserArgs });
      const bora = await street.move('Bora', { browserArgs });
      await foundNeighbourhood(street, anna);
      const link = await showInvite(street, anna);
      expect(link).toMatch(/^https:/);
      await readPillSheet(anna, /Reachable/);
      await readPillSheet(anna, new RegExp(`^wss://${new URL(street.url()).host}/mesh$`));
      await anna.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
      await knock(link, bora, 'en');
      await letIn(anna);
      await expect(bora.page.getByRole('heading', { name: 'You are in' })).toBeVisible({ timeout: 30_000 });
      expectCalm(anna, bora);
    });
  } finally {
    certificate.close();
  }
});

for (const [locale, title, missing, remedy] of [
  ['en-US', 'This address cannot run the app', /keys to encrypt and sign/, /start the app with a certificate/],
  [
    'de-DE',
    'Unter dieser Adresse läuft die App nicht',
    /Schlüssel, um zu verschlüsseln/,
    /mit einem Zertifikat zu starten/,
  ],
] as const) {
  test(`on an address that browsers do not trust, the page explains itself in plain words (${locale})`, async () => {
    await withStreet({}, async (street) => {
      const address = `http://hearth.test:${new URL(street.url()).port}`;
      const browserArgs = ['--host-resolver-rules=MAP hearth.test localhost'];
      const { page, ...dora } = await street.move('Dora', { locale, browserArgs, origin: address });
      for (const path of ['/', '/chat/', '/library/guide/?id=water']) {
        await page.goto(`${address}${path}`);
        expect(await page.evaluate(() => isSecureContext)).toBe(false);
        await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible();
        await expect(page.getByText(missing)).toBeVisible();
        await expect(page.getByText(remedy)).toBeVisible();
        await expect(page.getByRole('link', { name: address.replace('http', 'https') })).toBeVisible();
        await expect(page.getByRole('link', { name: /^http:\/\/localhost/ })).toBeVisible();
      }
      // What needs no node is there: the telephone number.
      await page.goto(`${address}/emergency/`);
      await expect(page.getByRole('link', { name: /112/ })).toBeVisible();
      expectCalm({ page, ...dora });
    });
  });
}

test('the build is a plain static folder: from any host, with the meeting server typed in Settings, two find each other', async () => {
  const host = await serveStaticFolder('build');
  try {
    await withStreet({}, async (street) => {
      const signalUrl = `${street.url().replace('http', 'ws')}/mesh`;
      const home = { ...street, url: () => host.url };
      const anna = await street.move('Anna', { origin: host.url });
      const bora = await street.move('Bora', { origin: host.url, locale: 'de-DE' });
      await foundNeighbourhood(home, anna);
      await readPillSheet(anna, /Cannot be reached|Trying to reach it/);
      await goTo(anna, 'settings');
      await anna.page.getByLabel('Address of the meeting server').fill(signalUrl);
      await anna.page.getByRole('button', { name: 'Test', exact: true }).click();
      await expect(anna.page.getByText(/A server answers there/)).toBeVisible();
      await anna.page.locator('#network').getByRole('button', { name: 'Save' }).click();
      await expect(anna.page.locator('#network').getByText(/Reachable/)).toBeVisible();
      // Bora types nothing: the invite names the server that Anna uses.
      const link = await showInvite(home, anna);
      expect(link.startsWith(`${host.url}/#join=`)).toBe(true);
      await knock(link, bora, 'de');
      await letIn(anna);
      await expect(bora.page.getByRole('heading', { name: 'Du bist drin' })).toBeVisible({ timeout: 30_000 });
      await say(anna, 'Hello from a plain folder');
      await expect(anna.page.getByText('With 1 of 1 neighbours')).toBeVisible({ timeout: 20_000 });
      // The address is kept, and so is the offline copy, though this host knows nothing of the app.
      await anna.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
      await host.close();
      await anna.page.reload();
      await expect(anna.page.getByText('Hello from a plain folder')).toBeVisible();
      await goTo(anna, 'settings');
      await expect(anna.page.getByLabel('Address of the meeting server')).toHaveValue(signalUrl);
      expectCalm(anna, bora);
    });
  } finally {
    await host.close();
  }
});

/**
 * The cheap honest way: the one module that decides, bundled with the project's own configuration. A whole second build of the
 * pages would take as long as all tests of this file together and go through the same two lines.
 */
test('SIGNAL_URL at build time names the meeting server; without it the server is the host of the page', async () => {
  const bundle = async (signalUrl: string): Promise<string> => {
    const before = process.env.SIGNAL_URL;
    process.env.SIGNAL_URL = signalUrl;
    try {
      const config = await loadConfigFromFile(
        { command: 'build', mode: 'production' },
        'vite.config.ts',
        undefined,
        'silent',
      );
      const result = await build({
        configFile: false,
        logLevel: 'silent',
        define: config?.config.define ?? {},
        worker: { format: 'es' },
        build: { write: false, minify: true, lib: { entry: 'src/lib/node/start-workers.ts', formats: ['es'] } },
      });
      const outputs = [result].flat().flatMap((part) => ('output' in part ? part.output : []));
      return outputs.map((chunk) => (chunk.type === 'chunk' ? chunk.code : '')).join('\n');
    } finally {
      if (before === undefined) delete process.env.SIGNAL_URL;
      else process.env.SIGNAL_URL = before;
    }
  };
  const named = await bundle('wss://meet.example/mesh');
  expect(named).toMatch(/signalUrl:\s*[`"']wss:\/\/meet\.example\/mesh|[`"']wss:\/\/meet\.example\/mesh[`"']/);
  expect(named).not.toContain('location.host');
  expect(await bundle('')).toContain('location.host');
  expect(readFileSync('vite.config.ts', 'utf8')).toContain('process.env.SIGNAL_URL');
});
