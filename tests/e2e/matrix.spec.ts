import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { givePageBus } from '../support/page-bus.ts';
import { crashTab, openStreet, type Resident, type Street } from '../support/street.ts';
import { foundNeighbourhood, goTo, knock, letIn, showInvite } from '../support/walks.ts';

/** Who answers what, as Anna sees it: three browsers, and every change on her screen without a tap of hers. */
test.describe.configure({ mode: 'serial' });

let street: Street;
let anna: Resident;
let bora: Resident;
let chen: Resident;
/** Of Bora and Chen the one whose tab has not crashed. */
let left: Resident;
const arriving = { timeout: 30_000 };

test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
  anna = await street.move('Anna');
  await givePageBus(anna.page);
  bora = await street.move('Bora');
  chen = await street.move('Chen');
});
test.afterAll(() => street.close());

/** The row of a device in the list that a phone shows. */
const rowOf = ({ page }: Resident, name: string | RegExp) =>
  page.getByTestId('answers-list').getByTestId('answers-row').filter({ hasText: name });
const cellOf = (resident: Resident, name: string, area: string) =>
  rowOf(resident, name)
    .locator('dl > div')
    .filter({ has: resident.page.getByText(area, { exact: true }) })
    .locator('dd');

const moveIn = async (newcomer: Resident): Promise<void> => {
  await knock(await showInvite(street, anna), newcomer, 'en');
  await letIn(anna);
  await expect(newcomer.page.getByRole('heading', { name: 'You are in' })).toBeVisible(arriving);
  await goTo(newcomer, 'mesh');
};

/** Puts one page into a shelf that the neighbourhood may search; resolves when this device's own screen says that it is in. */
const addShelf = async ({ page }: Resident, shelf: string, text: string): Promise<void> => {
  await page.getByRole('button', { name: 'Add a document' }).first().click();
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: `${shelf}.md`, mimeType: 'text/markdown', buffer: Buffer.from(text) });
  await page.getByLabel('Which shelf?').fill(shelf);
  await page.getByRole('radio', { name: /neighbourhood/i }).check();
  await page.getByRole('dialog').getByRole('button', { name: 'Add to the library' }).click();
  await expect(page.getByTestId('added')).toBeVisible(arriving);
  await page.getByRole('button', { name: 'Done' }).click();
};
const shelvesIn = (text: string): number => Number(/(\d+) shel/.exec(text)?.[1] ?? 0);

test('Bora comes: as soon as his screen has Anna, hers says what he gives', async () => {
  await foundNeighbourhood(street, anna);
  await moveIn(bora);
  await expect(rowOf(bora, 'Anna')).toContainText('linked', arriving);
  await expect(rowOf(anna, 'Bora')).toContainText('linked');
  await expect(cellOf(anna, 'Bora', 'Library')).toContainText('gives');
  await expect(cellOf(anna, 'This device', 'Library')).toContainText('gives');
});

test('Bora adds a shelf: her table counts it, and his sheet names it', async () => {
  const before = shelvesIn(await cellOf(anna, 'Bora', 'Library').innerText());
  await goTo(bora, 'library');
  await addShelf(bora, 'street-notes', pump);
  await expect(cellOf(anna, 'Bora', 'Library')).toContainText(new RegExp(`${before + 1} shel`));
  await rowOf(anna, 'Bora').getByRole('button').click();
  await expect(anna.page.getByRole('dialog', { name: 'Bora' })).toContainText('street-notes');
  await anna.page.keyboard.press('Escape');
});

const pump =
  '# The hand pump in the yard\n\nThe old hand pump stands behind the bakery. The key of the hand pump hangs at the bakery door. Pump twenty strokes before you fill a bottle.\n';
const searchPump = async (session: string) =>
  (await anna.page.evaluate(
    (name) =>
      globalThis.pageBus.call(
        'library.search@1.0',
        { query: 'Where is the key of the hand pump?', k: 3, corpora: ['street-notes'] },
        undefined,
        { params: { corpus: 'street-notes' }, session: name },
      ),
    session,
  )) as { ok: boolean; value?: { meta: { servedBy: string; attempts: number } }; error?: unknown };

test('Anna asks for that shelf: who answered last, and how long it takes, stand in the table at once', async () => {
  const reply = await searchPump('first-talk');
  expect(reply).toMatchObject({ ok: true, value: { meta: { route: 'neighbour', attempts: 1 } } });
  await expect(cellOf(anna, 'Bora', 'Library')).toContainText('answered last');
  await expect(cellOf(anna, 'Bora', 'Library')).toContainText(/usually \d+\sms/);
});

test('Chen comes with the same shelf; in the middle of a conversation the one who answers breaks off, and the other takes over', async () => {
  await moveIn(chen);
  await expect(rowOf(chen, 'Anna')).toContainText('linked', arriving);
  await expect(rowOf(anna, 'Chen')).toContainText('linked');
  await expect(cellOf(anna, 'Chen', 'Library')).toContainText('gives');
  const before = shelvesIn(await cellOf(anna, 'Chen', 'Library').innerText());
  await goTo(chen, 'library');
  await addShelf(chen, 'street-notes', `${pump}\nChen has a second key.\n`);
  await expect(cellOf(anna, 'Chen', 'Library')).toContainText(new RegExp(`${before + 1} shel`));

  const first = await searchPump('pump-talk');
  const servedBy = first.value?.meta.servedBy;
  expect((await searchPump('pump-talk')).value?.meta.servedBy).toBe(servedBy);
  const boraDevice = await deviceOf('Bora');
  const gone = servedBy === boraDevice ? bora : chen;
  left = gone === bora ? chen : bora;
  await crashTab(gone);
  const after = await searchPump('pump-talk');
  expect(after).toMatchObject({ ok: true, value: { meta: { attempts: 2 } } });
  expect(after.value?.meta.servedBy).not.toBe(servedBy);
  // Nobody said that it is gone. The browser may notice soon, or the link ends when it has been silent for long: in between, the table claims nothing.
  await expect(cellOf(anna, gone.name, 'Library')).toContainText(/not heard for \d{2,} s|not known/);

  await anna.page.getByRole('link', { name: 'See all calls' }).click();
  await anna.page.getByRole('button', { name: 'With neighbours' }).click();
  const call = anna.page.getByTestId('call').filter({ hasText: 'taken over by another' }).first();
  await call.locator('summary').first().click();
  const tries = call.getByTestId('why').locator('ol > li');
  await expect(tries.nth(0)).toContainText(gone.name);
  await expect(tries.nth(0)).toContainText('asked first');
  await expect(tries.nth(1)).toContainText(left.name);
  await expect(tries.nth(1)).toContainText('took over');
  await expect(call.getByTestId('why')).toContainText('points');
});

/** Whose device is whose, from the words of the node itself. */
const deviceOf = async (name: string): Promise<string | undefined> => {
  const mesh = (await anna.page.evaluate(() => globalThis.pageBus.call('mesh.peers@1.0', {}, () => true))) as {
    neighbours: { name: string; device: string }[];
  };
  return mesh.neighbours.find((each) => each.name === name)?.device;
};

test('a call that is refused is found by its filter, and the figures are there as text', async () => {
  const { page } = anna;
  await page.evaluate(() =>
    globalThis.pageBus.call('library.search@1.0', { query: 'pump' }, undefined, { params: { colour: 'red' } }),
  );
  await page.getByRole('button', { name: 'Refused' }).click();
  const refused = page.getByTestId('call').filter({ hasText: 'not understood' }).first();
  await expect(refused).toContainText('Search the library');
  await refused.locator('summary').first().click();
  await expect(refused.getByTestId('why')).toContainText('refused before anybody was asked');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save as a file' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('hearthnet-figures.prom');
  await expect(page.getByText('hearthnet-figures.prom is in your downloads.')).toBeVisible();
});

test('the list can be held by keyboard, and no rule of axe is broken on either screen', async () => {
  const { page } = anna;
  await page.getByRole('button', { name: 'Hold the list' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Follow again' })).toBeFocused();
  const broken = async () =>
    (await new AxeBuilder({ page }).setLegacyMode(true).analyze()).violations.map(({ id }) => id);
  expect(await broken()).toEqual([]);
  await goTo(anna, 'mesh');
  await expect(rowOf(anna, 'This device')).toBeVisible();
  for (const viewport of [
    { width: 320, height: 700 },
    { width: 1280, height: 800 },
  ]) {
    await page.setViewportSize(viewport);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    expect(await broken()).toEqual([]);
  }
  await expect(page.getByRole('table')).toContainText('This device');
});

test('who is left goes away, and the table no longer claims to know what they give', async () => {
  await anna.page.setViewportSize({ width: 390, height: 844 });
  await left.page.goto('about:blank');
  await expect(cellOf(anna, left.name, 'Library')).toContainText('not known');
  await expect(rowOf(anna, left.name)).toContainText('away');
});
