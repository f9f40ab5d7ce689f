import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { ask, foundNeighbourhood, goTo, knock, letIn, showInvite } from '../support/walks.ts';

/** What a device gives: each switch, the battery saver and the profile hold at once, here and on the neighbour's screen. */
test.describe.configure({ mode: 'serial' });

declare global {
  var fakeBattery: { set(percent: number, charging: boolean): void };
}

let street: Street;
let anna: Resident;
let bora: Resident;

/** Runs in the page: a battery that the test can empty, in the place of the browser's own. */
const installBattery = (): void => {
  const battery = Object.assign(new EventTarget(), { level: 0.8, charging: false });
  Object.assign(navigator, { getBattery: async () => battery });
  globalThis.fakeBattery = {
    set: (percent, charging) => {
      Object.assign(battery, { level: percent / 100, charging });
      battery.dispatchEvent(new Event('levelchange'));
    },
  };
};

test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
  anna = await street.move('Anna');
  bora = await street.move('Bora', { locale: 'de-DE' });
  await bora.context.addInitScript(installBattery);
});
test.afterAll(() => street.close());

const openGiving = async (resident: Resident, link: string): Promise<void> => {
  await goTo(resident, 'settings');
  await resident.page.getByRole('link', { name: link }).click();
  await expect(resident.page.getByTestId('gives-now')).toBeVisible();
};
/** What Anna's table says of Bora's device. */
const seenOfBora = (area: string) =>
  anna.page
    .getByTestId('answers-row')
    .filter({ hasText: 'Bora' })
    .locator('dl > div')
    .filter({ has: anna.page.getByText(area, { exact: true }) })
    .locator('dd:visible');
test('Bora is let in, shares a shelf, and Anna is answered by his device', async () => {
  await foundNeighbourhood(street, anna);
  await knock(await showInvite(street, anna), bora, 'de');
  await letIn(anna);
  await expect(bora.page.getByRole('heading', { name: 'Du bist drin' })).toBeVisible({ timeout: 30_000 });
  await goTo(bora, 'library');
  await bora.page.getByRole('button', { name: 'Dokument hinzufügen' }).first().click();
  await bora.page.locator('input[type=file]').setInputFiles({
    name: 'hand-pump.md',
    mimeType: 'text/markdown',
    buffer: Buffer.from('# The hand pump\n\nThe key of the hand pump hangs at the bakery door.\n'),
  });
  await bora.page.getByLabel('In welches Regal?').fill('street-notes');
  await bora.page.getByRole('radio', { name: /Nachbarschaft/ }).check();
  await bora.page.getByRole('dialog').getByRole('button', { name: 'In die Bibliothek' }).click();
  await bora.page.getByRole('button', { name: 'Fertig' }).click();
  await goTo(anna, 'library');
  await expect(anna.page.getByText(/street-notes/).first()).toBeVisible({ timeout: 20_000 });
  await ask(anna, 'Where is the key of the hand pump?');
  await expect(anna.page.getByText(/Answered by Bora/)).toBeVisible({ timeout: 20_000 });
});

test('the screen says what is given, in words, without a fault for axe, and its switches work by keyboard', async () => {
  await openGiving(bora, 'Was mein Gerät gibt');
  await expect(bora.page.getByTestId('gives-now')).toContainText('Nachbarn können benutzen: Bibliothek, Dateien.');
  await expect(bora.page.getByText('Der Akku ist zu 80 % voll.')).toBeVisible();
  for (const colorScheme of ['light', 'dark'] as const) {
    await bora.page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page: bora.page }).analyze();
    expect(violations.map(({ id }) => id)).toEqual([]);
  }
  const files = bora.page.getByRole('switch', { name: 'Dateien' });
  await files.focus();
  await bora.page.keyboard.press('Space');
  await expect(files).not.toBeChecked();
  await expect(bora.page.getByTestId('gives-now')).toContainText('Nachbarn können benutzen: Bibliothek.');
  await bora.page.keyboard.press('Tab');
  await bora.page.keyboard.press('ArrowDown');
  await expect(bora.page.getByTestId('gives-now')).toContainText('ruht dieses Gerät');
  await bora.page.keyboard.press('ArrowUp');
  await expect(bora.page.getByTestId('gives-now')).toContainText('Nachbarn können benutzen: Bibliothek.');
});

test('a specialist: Anna sees that Bora gives his library and no files', async () => {
  await goTo(anna, 'mesh');
  await expect(seenOfBora('Library')).toContainText('gives', { timeout: 20_000 });
  await expect(seenOfBora('Files')).toContainText('off');
});

test('Bora switches his library off: Anna sees it, and she is not answered by him any more', async () => {
  const library = bora.page.getByRole('switch', { name: 'Bibliothek' });
  await library.click();
  await expect(seenOfBora('Library')).toContainText('off');
  await expect(bora.page.getByTestId('gives-now')).toContainText('Dieses Gerät gibt nichts.');
  await ask(anna, 'Where does the key of the hand pump hang?');
  await expect(anna.page.getByText('Nothing here fits your question well.', { exact: false })).toBeVisible();
  await expect(anna.page.getByText(/Answered by Bora/)).toHaveCount(1);
  await goTo(anna, 'mesh');
  await library.click();
  await expect(seenOfBora('Library')).toContainText('gives');
});

test('his battery runs low: the device rests and Anna sees why; it charges, and all is given again', async () => {
  await bora.page.evaluate(() => globalThis.fakeBattery.set(12, false));
  await expect(bora.page.getByTestId('gives-now')).toContainText('Der Akku ist fast leer');
  await expect(bora.page.getByTestId('area-library')).toContainText('Ruht gerade');
  await expect(bora.page.locator('html')).toHaveAttribute('data-saving', '');
  await expect(seenOfBora('Library')).toContainText('resting, saves battery');
  await bora.page.evaluate(() => globalThis.fakeBattery.set(13, true));
  await expect(seenOfBora('Library')).toContainText('gives');
  await expect(bora.page.getByText('Der Akku ist zu 13 % voll und lädt')).toBeVisible();
  await expect(bora.page.locator('html')).not.toHaveAttribute('data-saving');
});

test("a thin device: Anna's leans on her neighbours, and what both know is answered by Bora", async () => {
  await ask(anna, 'What do I do if the water is cut off?');
  await expect(anna.page.getByText(/Answered by this device/).last()).toBeVisible({ timeout: 20_000 });
  await openGiving(anna, 'What my device gives');
  await anna.page.getByRole('radio', { name: /^Light/ }).check();
  await ask(anna, 'How much water do I store for a day?');
  await expect(anna.page.getByText(/Answered by Bora/).last()).toBeVisible({ timeout: 20_000 });
  await expect(anna.page.getByText(/Answered by Bora/)).toHaveCount(2);
});

test('what was chosen is kept when the pages are loaded anew', async () => {
  await bora.page.reload();
  await expect(bora.page.getByRole('switch', { name: 'Dateien' })).not.toBeChecked();
  await expect(bora.page.getByRole('switch', { name: 'Bibliothek' })).toBeChecked();
  await openGiving(anna, 'What my device gives');
  await anna.page.reload();
  await expect(anna.page.getByRole('radio', { name: /^Light/ })).toBeChecked();
});

test("nobody's console complained and nothing was asked of a foreign origin", () => {
  for (const { name, complaints, foreignRequests } of [anna, bora])
    expect({ name, complaints, foreignRequests }).toEqual({ name, complaints: [], foreignRequests: [] });
});
