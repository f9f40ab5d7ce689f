import { expect, test } from '@playwright/test';
import { linkTimings } from '../../src/lib/mesh/link.ts';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { foundNeighbourhood, letIn, knock, say, showInvite, untilKept } from '../support/walks.ts';

/** After one visit the server is never needed again: everything opens from this device, and the pill is honest about it. */
test.describe.configure({ mode: 'serial' });

let street: Street;
let anna: Resident;
let bora: Resident;

test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
});
test.afterAll(() => street.close());

test('Anna and Bora are neighbours; the pill counts one neighbour', async () => {
  anna = await street.move('Anna');
  bora = await street.move('Bora');
  await foundNeighbourhood(street, anna);
  const link = await showInvite(street, anna);
  await knock(link, bora, 'en');
  await letIn(anna);
  await expect(anna.page.getByTestId('status-pill')).toHaveText('1 neighbour', { timeout: 30_000 });
  await say(anna, 'Written before the plug was pulled');
  await expect(anna.page.getByText('With 1 of 1 neighbours')).toBeVisible();
  // The starter guides are all here before the plug is pulled, as after any first visit of some seconds.
  await anna.page.goto(`${street.url()}/library/`);
  await expect(anna.page.getByTestId('document')).toHaveCount(12, { timeout: 30_000 });
  await untilKept(anna);
  await expect(anna.page.getByTestId('status-pill')).toHaveText('1 neighbour', { timeout: 30_000 });
});

test('Bora and the server vanish without a word: the pill says so as soon as his link counts as silent', async () => {
  await street.stopServer();
  await street.moveOut(bora);
  // A browser that is ended says no goodbye; the link waits `silentMs` and looks every `pingMs`.
  await expect(anna.page.getByTestId('status-pill')).toHaveText('Only this device', {
    timeout: linkTimings.silentMs + 2 * linkTimings.pingMs,
  });
});

test('Anna, with nobody near, looks for neighbours; the server is cut off and the pill says that she is alone', async () => {
  await street.startServer();
  await expect(anna.page.getByTestId('status-pill')).toHaveText(/^\s*Looking for neighbours/, { timeout: 30_000 });
  await street.stopServer();
  await expect(anna.page.getByTestId('status-pill')).toHaveText('Only this device');
});

test('the device loses its network: the sheet behind the pill says so, and again when it is back', async () => {
  await anna.context.setOffline(true);
  await anna.page.getByTestId('status-pill').click();
  await expect(anna.page.getByRole('dialog').getByText(/The device has no network/)).toBeVisible({ timeout: 5_000 });
  await anna.context.setOffline(false);
  await expect(anna.page.getByRole('dialog').getByText(/The device has a network/)).toBeVisible({ timeout: 5_000 });
  await anna.page.keyboard.press('Escape');
});

const routes = [
  { path: '/', sees: 'Ask the library', lands: '/ask/' },
  { path: '/ask/', sees: 'Ask the library' },
  { path: '/chat/', sees: 'Everyone here', text: 'Written before the plug was pulled' },
  { path: '/library/', sees: 'Library', text: 'Water: when the tap runs dry' },
  { path: '/library/guide/?id=water', sees: 'Water: when the tap runs dry' },
  { path: '/mesh/', sees: 'Mesh', text: 'Bora' },
  { path: '/emergency/', sees: 'Emergency', text: 'Heavy bleeding' },
  { path: '/settings/', sees: 'Settings', text: /Cannot be reached/ },
  { path: '/welcome/', sees: 'You are in', text: "Anna's neighbourhood" },
  { path: '/no/such/place', sees: 'There is nothing at this address' },
] as const;

for (const { path, sees, ...more } of routes) {
  test(`with the server gone, a browser that has just been started opens ${path} with its state`, async () => {
    await street.moveOut(anna);
    anna = await street.move('Anna');
    const { page } = anna;
    const response = await page.goto(`${street.url()}${path}`);
    expect(response?.fromServiceWorker()).toBe(true);
    await expect(page.getByRole('heading', { level: 1, name: sees })).toBeVisible();
    if ('text' in more) await expect(page.getByRole('main').getByText(more.text).first()).toBeVisible();
    if ('lands' in more) expect(new URL(page.url()).pathname).toBe(more.lands);
    await expect(page.getByTestId('status-pill')).toHaveText('Only this device');
    // SvelteKit itself notes an address that leads nowhere; it is the one line that may stand there.
    const complaints = anna.complaints.filter((line) => !line.includes(`Not found: ${path}`));
    expect({ complaints, foreign: anna.foreignRequests }).toEqual({ complaints: [], foreign: [] });
    // Only the question whether there is a newer version may go to the server.
    expect(anna.brokenRequests.filter((url) => !/\/(service-worker\.js|version\.json)$/.test(url))).toEqual([]);
  });
}

test('with the server gone, Anna reads her recovery card, and takes her data along, for the first time', async () => {
  const { page } = anna;
  await page.goto(`${street.url()}/settings/card/`);
  await page.getByRole('button', { name: 'Show the words' }).click();
  await expect(page.getByTestId('card-words').locator('.word')).toHaveCount(12);
  await page.goto(`${street.url()}/settings/data/`);
  await page.getByRole('radio', { name: /locked by a passphrase/ }).check();
  await page.locator('#export input[type=password]').fill('chestnut lantern fifty bridges');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save the file' }).click();
  expect((await download).suggestedFilename()).toMatch(/\.hearth$/);
});
