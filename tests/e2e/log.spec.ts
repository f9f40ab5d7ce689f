import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { foundNeighbourhood, goTo, knock, letIn, say, showInvite, untilKept } from '../support/walks.ts';

/** The inspector of the log, and what it shows when one device has told two histories. */
test.describe.configure({ mode: 'serial' });

let street: Street;
let anna: Resident;
let bora: Resident;

test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
  anna = await street.move('Anna');
  bora = await street.move('Bora', { locale: 'de-DE' });
  await foundNeighbourhood(street, anna);
  const link = await showInvite(street, anna);
  await knock(link, bora, 'de');
  await letIn(anna);
  await expect(bora.page.getByRole('heading', { name: 'Du bist drin' })).toBeVisible();
  await say(anna, 'Water at the well');
  await goTo(bora, 'chat');
  await expect(bora.page.getByTestId('message').getByText('Water at the well')).toBeVisible();
});
test.afterAll(() => street.close());

const openLog = async (resident: Resident): Promise<void> => {
  await goTo(resident, 'settings');
  await resident.page.locator('a[href="/settings/log/"]').click();
  await resident.page.waitForURL('**/settings/log/');
};

test('who, what kind, when and held by whom, newest first', async () => {
  await openLog(anna);
  const { page } = anna;
  const newest = page.locator('ol > li').first();
  await expect(newest).toContainText('Message');
  await expect(newest).toContainText('by this device');
  await expect(async () => {
    await page.getByRole('button', { name: 'Count again' }).click();
    await expect(newest).toContainText('also held by Bora');
  }).toPass();
  await expect(page.getByText('Every entry here counts. Nothing is missing.')).toBeVisible();
  await page.getByRole('button', { name: 'People and rights' }).click();
  await expect(page.locator('ol > li').filter({ hasText: 'Neighbourhood founded' })).toHaveCount(1);
  await expect(page.locator('ol > li').filter({ hasText: 'Somebody let in' })).toHaveCount(1);
  await expect(page.locator('main')).not.toContainText('Water at the well');
});

test('the file for whoever helps holds counts, and no name, text or key', async () => {
  const { page } = anna;
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save the file' }).click(),
  ]);
  const text = readFileSync(await download.path(), 'utf8');
  const bundle = JSON.parse(text) as { events: number; lanes: unknown[]; traces: unknown[] };
  expect(bundle.events).toBeGreaterThan(3);
  expect(bundle.lanes.length).toBeGreaterThan(1);
  expect(bundle.traces.length).toBeGreaterThan(0);
  for (const secret of ['Anna', 'Bora', 'Water']) expect(text).not.toContain(secret);
  expect(text).not.toMatch(/[A-Za-z0-9_-]{43}/);
});

test('a profile that was copied and wrote twice: the fork is proven, shown, and its owner comes back with a new device', async () => {
  await untilKept(bora);
  await street.moveOut(bora);
  street.copyProfile('Bora', 'Copy');
  await street.stopServer();
  // Both write while nobody can hear them: two different entries for one place.
  bora = await street.move('Bora', { locale: 'de-DE' });
  await bora.page.goto(`${street.url()}/chat/`);
  await say(bora, 'Von hier', 'de');
  await expect(bora.page.getByTestId('message').getByText('Von hier')).toBeVisible();
  await street.moveOut(bora);
  const copy = await street.move('Copy', { locale: 'de-DE' });
  await copy.page.goto(`${street.url()}/chat/`);
  await say(copy, 'Von dort', 'de');
  await expect(copy.page.getByTestId('message').getByText('Von dort')).toBeVisible();
  await street.startServer();
  await goTo(anna, 'chat');
  await expect(anna.page.getByTestId('message').getByText('Von dort')).toBeVisible({ timeout: 60_000 });
  await street.moveOut(copy);

  bora = await street.move('Bora', { locale: 'de-DE' });
  await bora.page.goto(`${street.url()}/chat/`);
  await expect(async () => {
    await openLog(anna);
    await expect(anna.page.getByText("Bora's device showed two different histories")).toBeVisible();
  }).toPass({ timeout: 90_000 });
  await expect(async () => {
    await goTo(bora, 'chat');
    await say(bora, 'Ich bin wieder da', 'de');
    await goTo(anna, 'chat');
    await expect(anna.page.getByTestId('message').getByText('Ich bin wieder da')).toBeVisible();
  }).toPass({ timeout: 90_000 });
});
