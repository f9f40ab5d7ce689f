import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, type Page } from '@playwright/test';
import { openStreet, openTab, type Resident, type Street } from '../support/street.ts';
import { foundNeighbourhood, goTo } from '../support/walks.ts';

/** A new version comes quietly, waits for the person's word, and then takes over once and as a whole. */
test.describe.configure({ mode: 'serial' });

let folder: string;
let street: Street;
let anna: Resident;
let other: Resident;

test.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hearthnet-updates-'));
  cpSync('build', folder, { recursive: true });
  street = await openStreet({ environment: { APP_DIR: folder } });
  await street.startServer();
  anna = await street.move('Anna');
});
test.afterAll(async () => {
  await street.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The same app as another build: each page carries a mark, and the service worker another revision of them. */
const publish = (version: string): void => {
  const worker = join(folder, 'service-worker.js');
  const before: unknown = JSON.parse(readFileSync('build/_app/version.json', 'utf8'));
  if (typeof before !== 'object' || before === null || !('version' in before))
    throw new Error('the build names no version');
  const original = readFileSync('build/service-worker.js', 'utf8');
  expect(original).toContain(String(before.version));
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.html'),
  )) {
    const page = readFileSync(join(folder, file), 'utf8').replace(
      /<html lang="en"[^>]*>/,
      `<html lang="en" data-version="${version}">`,
    );
    writeFileSync(join(folder, file), page);
  }
  writeFileSync(worker, original.replaceAll(String(before.version), version));
};

const toast = ({ page }: Resident) => page.getByTestId('toasts').getByText('New version, restart when you like');
const versionOf = (page: Page) => page.locator('html').getAttribute('data-version');
const isWaiting = (page: Page) =>
  page.evaluate(async () => Boolean((await navigator.serviceWorker.getRegistration())?.waiting));

/** What the browser does by itself when a page comes back into view. */
const lookForUpdate = ({ page }: Resident) =>
  page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));

test('nobody is bothered while there is nothing new', async () => {
  await foundNeighbourhood(street, anna);
  await anna.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await lookForUpdate(anna);
  await expect(toast(anna)).toHaveCount(0);
  expect(await isWaiting(anna.page)).toBe(false);
});

test('a new version is told by a quiet line and changes nothing by itself, not even after a reload', async () => {
  other = await openTab(anna);
  await other.page.goto(`${street.url()}/library/`);
  await goTo(anna, 'chat');
  await anna.page.getByLabel('Message to everyone here').focus();
  publish('second');
  // The server looks for a new build once a second at most.
  await expect
    .poll(async () => (await (await fetch(`${street.url()}/service-worker.js`)).text()).includes('second'))
    .toBe(true);
  await lookForUpdate(anna);
  await expect(toast(anna)).toBeVisible();
  await expect(anna.page.getByLabel('Message to everyone here')).toBeFocused();
  await expect(toast(other)).toBeVisible();
  expect(await isWaiting(anna.page)).toBe(true);
  await anna.page.reload();
  await expect(toast(anna)).toBeVisible();
  expect(await versionOf(anna.page)).toBe(null);
});

test('the emergency page is never disturbed by it', async () => {
  await anna.page.getByTestId('emergency-button').click();
  await expect(anna.page.getByRole('heading', { level: 1, name: 'Emergency' })).toBeVisible();
  await expect(toast(anna)).toHaveCount(0);
  await goTo(anna, 'chat');
  await expect(toast(anna)).toBeVisible();
});

test('one tap: both tabs open anew exactly once, under the new version, with everything that was typed', async () => {
  await anna.page.getByLabel('Message to everyone here').fill('Half a mess');
  const loads = { anna: 0, other: 0 };
  anna.page.on('load', () => (loads.anna += 1));
  other.page.on('load', () => (loads.other += 1));
  await anna.page.getByRole('button', { name: 'Restart' }).click();
  await expect.poll(() => versionOf(anna.page)).toBe('second');
  await expect.poll(() => versionOf(other.page)).toBe('second');
  await expect(anna.page.getByLabel('Message to everyone here')).toHaveValue('Half a mess');
  await expect(other.page.getByRole('heading', { level: 1, name: 'Library' })).toBeVisible();
  expect(await isWaiting(anna.page)).toBe(false);
  await lookForUpdate(anna);
  await expect(toast(anna)).toHaveCount(0);
  expect(loads).toEqual({ anna: 1, other: 1 });
});

test("nobody's console complained", () => {
  expect(anna.complaints).toEqual([]);
});
