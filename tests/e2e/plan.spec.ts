import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { build } from 'vite';
import type { StockGuest } from '../support/stock-guest.ts';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { foundNeighbourhood, goTo, knock, letIn, showInvite, untilKept } from '../support/walks.ts';

declare global {
  var startStockGuest: (signalUrl: string, room: string, password: string) => StockGuest;
  var guest: StockGuest;
}

/** The street's plan: written by several people, live and apart, and shown to people outside. */
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
  await knock(await showInvite(street, anna), bora, 'de');
  await letIn(anna);
  await expect(bora.page.getByRole('heading', { name: 'Du bist drin' })).toBeVisible({ timeout: 30_000 });
});
test.afterAll(() => street.close());

const textOf = (page: Page) => page.getByTestId('plan-text');
const write = (page: Page, language: 'en' | 'de' = 'en') =>
  page.getByRole('button', { name: language === 'en' ? 'Write' : 'Schreiben', exact: true }).click();
const read = (page: Page, language: 'en' | 'de' = 'en') =>
  page.getByRole('button', { name: language === 'en' ? 'Read' : 'Lesen', exact: true }).click();
const isKept = (page: Page) => expect(page.getByTestId('plan-saved')).toHaveAttribute('data-state', 'saved');

/** Types at the end of the line that starts like this, as a person does: click into the field, walk there, type. */
const typeAfter = async (page: Page, words: string, more: string): Promise<void> => {
  await textOf(page).evaluate((field: HTMLTextAreaElement, line) => {
    const at = field.value.indexOf(line) + line.length;
    field.focus();
    field.setSelectionRange(at, at);
  }, words);
  await page.keyboard.type(more, { delay: 5 });
};

test('Anna starts the plan from the library, with questions to fill in, and fills one in', async () => {
  const { page } = anna;
  await goTo(anna, 'library');
  await page.getByRole('link', { name: /The street's plan/ }).click();
  await expect(page.getByRole('heading', { name: 'No plan yet' })).toBeVisible();
  await page.getByRole('button', { name: 'Start a plan' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Start a plan' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Plan of our street' })).toBeVisible();
  await expect(page.getByTestId('plan').getByRole('heading', { name: 'Where we meet' })).toBeVisible();
  await write(page);
  await typeAfter(page, 'Meeting point:', ' the fountain');
  await isKept(page);
  await expect(page.getByTestId('plan-changes')).toContainText('You');
});

test('Bora sees it in German words around it, ticks a task, and both write at once without losing a letter or their place', async () => {
  await goTo(bora, 'library');
  await bora.page.getByRole('link', { name: /Plan der Straße/ }).click();
  await expect(bora.page.getByTestId('plan')).toContainText('Meeting point: the fountain', { timeout: 30_000 });
  await bora.page.getByRole('checkbox', { name: /Fill tubs/ }).check();
  await read(anna.page);
  await expect(anna.page.getByRole('checkbox', { name: /Fill tubs/ })).toBeChecked({ timeout: 20_000 });
  await expect(anna.page.getByText('done, Bora')).toBeVisible();

  await write(anna.page);
  await write(bora.page, 'de');
  await Promise.all([
    typeAfter(anna.page, 'Who has a battery radio:', ' Anna on the second floor, she listens at noon'),
    typeAfter(bora.page, 'Nearest defibrillator:', ' at the bakery, behind the counter on the left'),
  ]);
  await isKept(anna.page);
  await isKept(bora.page);
  for (const { page } of [anna, bora]) {
    await expect(textOf(page)).toHaveValue(/battery radio: Anna on the second floor, she listens at noon\n/);
    await expect(textOf(page)).toHaveValue(/defibrillator: at the bakery, behind the counter on the left\n/);
  }
  expect(await textOf(anna.page).inputValue()).toBe(await textOf(bora.page).inputValue());
});

test('what Anna wrote Bora cannot take away, and the screen says why; his own words he can, and undo brings them back', async () => {
  const { page } = bora;
  const before = await textOf(page).inputValue();
  await textOf(page).evaluate((field: HTMLTextAreaElement) => {
    field.focus();
    field.setSelectionRange(0, 20);
  });
  await page.keyboard.press('Delete');
  await expect(page.getByText('Nur Vertrauenspersonen können wegnehmen')).toBeVisible();
  await expect(textOf(page)).toHaveValue(before);
  await typeAfter(page, 'behind the counter on the left', ', ask for Ines');
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Backspace');
  await expect(textOf(page)).toHaveValue(/ask for In\n/);
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+z');
  await expect(textOf(page)).toHaveValue(/ask for Ines\n/);
  await page.getByRole('button', { name: 'Rückgängig' }).click();
  await expect(textOf(page)).toHaveValue(/on the left\n/);
  await page.getByRole('button', { name: 'Wiederholen' }).click();
  await expect(textOf(page)).toHaveValue(/ask for Ines\n/);
  await isKept(page);
  await expect(textOf(anna.page)).toHaveValue(/ask for Ines\n/, { timeout: 20_000 });
});

test('both write while the other is away; back together both have both, also after a reload, and Chen who comes new has the same', async () => {
  const planUrl = bora.page.url();
  for (const one of [anna, bora]) await untilKept(one);
  await street.moveOut(bora);
  // With the server on, what Anna writes would wait for Bora at the relay, and he would not write without it.
  await street.stopServer();
  await typeAfter(anna.page, 'Who knows first aid:', ' Anna');
  await isKept(anna.page);
  await street.moveOut(anna);

  bora = await street.move('Bora', { locale: 'de-DE' });
  await bora.page.goto(planUrl);
  await write(bora.page, 'de');
  await typeAfter(bora.page, 'Who has spare keys for whom:', ' Bora for number 12');
  await isKept(bora.page);
  await expect(textOf(bora.page)).not.toHaveValue(/first aid: Anna/);

  await street.startServer();
  anna = await street.move('Anna');
  await anna.page.goto(planUrl);
  for (const { page } of [anna, bora]) {
    await page.goto(planUrl);
    await expect(page.getByTestId('plan')).toContainText('Who knows first aid: Anna', { timeout: 40_000 });
    await expect(page.getByTestId('plan')).toContainText('Bora for number 12', { timeout: 40_000 });
  }
  await anna.page.reload();
  await expect(anna.page.getByTestId('plan')).toContainText('Bora for number 12', { timeout: 20_000 });
  const annasPlan = await anna.page.getByTestId('plan').innerText();

  const invite = await showInvite(street, anna);
  const chen = await street.move('Chen');
  await knock(invite, chen, 'en');
  await letIn(anna);
  await expect(chen.page.getByRole('heading', { name: 'You are in' })).toBeVisible({ timeout: 30_000 });
  await goTo(chen, 'library');
  await chen.page.getByRole('link', { name: /The street's plan/ }).click();
  await expect(chen.page.getByTestId('plan')).toContainText('Bora for number 12', { timeout: 30_000 });
  expect(await chen.page.getByTestId('plan').innerText()).toBe(annasPlan);
  await street.moveOut(chen);
});

test('Anna opens the plan to people outside; a stock y-webrtc client reads it and suggests; only what Anna accepts enters it', async () => {
  const { page } = anna;
  await goTo(anna, 'library');
  await page.getByRole('link', { name: /The street's plan/ }).click();
  // A toast may lie over the foot of the page; the keyboard opens what a finger would first have to uncover.
  await page.getByText('Show it to people outside').press('Enter');
  await expect(page.getByText(/People outside see everything/)).toBeVisible();
  await page.getByRole('button', { name: 'Open it and make a link' }).press('Enter');
  const link = await page.getByTestId('outside-link').inputValue();
  const query = new URLSearchParams(new URL(link).hash.slice(1));

  const outsider = await street.move('Outsider');
  await outsider.page.goto(`${street.url()}/theme.js`);
  await outsider.page.evaluate(await stockClient());
  await outsider.page.evaluate(([url, room, key]) => void (globalThis.guest = startStockGuest(url, room, key)), [
    `${street.url().replace(/^http/, 'ws')}/signal`,
    query.get('room') ?? '',
    query.get('key') ?? '',
  ] as const);
  await expect
    .poll(() => outsider.page.evaluate(() => guest.text()), { timeout: 40_000 })
    .toContain('Meeting point: the fountain');

  await outsider.page.evaluate(() => {
    guest.write('the fountain', ' (north side)');
    guest.strike('If it is not safe there:\n');
  });
  await expect(page.getByTestId('proposal')).toContainText('Meeting point: the fountain (north side)', {
    timeout: 20_000,
  });
  await expect(page.getByTestId('proposal')).toContainText('If it is not safe there:');
  await expect(page.getByTestId('plan')).not.toContainText('north side');
  await page.getByRole('button', { name: 'Accept into the plan' }).press('Enter');
  await expect(page.getByTestId('plan')).toContainText('the fountain (north side)');
  await expect(page.getByTestId('plan')).not.toContainText('If it is not safe there:');
  await expect(page.getByTestId('proposal')).toHaveCount(0);
  await expect(bora.page.getByTestId('plan')).toContainText('the fountain (north side)', { timeout: 30_000 });

  await outsider.page.evaluate(() => guest.write('Plan', ' B') ?? guest.strike('the fountain'));
  await expect(page.getByTestId('proposal')).toBeVisible();
  await page.getByRole('button', { name: 'Turn down' }).press('Enter');
  await expect(page.getByTestId('proposal')).toHaveCount(0);
  await expect
    .poll(() => outsider.page.evaluate(() => guest.text()))
    .toContain('Meeting point: the fountain (north side)');
  await expect(page.getByTestId('plan')).toContainText('the fountain (north side)');

  // Whoever has no other app opens the link itself.
  await outsider.page.evaluate(() => guest.leave());
  await outsider.page.goto(link);
  await expect(outsider.page.getByTestId('guest-text')).toHaveValue(/north side/, { timeout: 40_000 });
  await outsider.page.getByTestId('guest-text').press('Control+End');
  await outsider.page.keyboard.type('Greetings from number 40');
  await expect(page.getByTestId('proposal')).toContainText('Greetings from number 40', { timeout: 20_000 });
  await page.getByRole('button', { name: 'Close it' }).press('Enter');
  await expect(page.getByText('Show it to people outside')).toBeVisible();
  await expect(page.getByTestId('plan')).not.toContainText('Greetings');
  await street.moveOut(outsider);
});

test('axe finds no broken rule in a plan that is read, written, or opened to people outside, by day and by night', async () => {
  const { page } = anna;
  const expectNoBrokenRule = async (name: string): Promise<void> => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
      const broken = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join()}`);
      expect({ name, colorScheme, broken }).toEqual({ name, colorScheme, broken: [] });
    }
  };
  await read(page);
  await expectNoBrokenRule('read');
  await page.getByText('Show it to people outside').press('Enter');
  await page.getByRole('button', { name: 'Open it and make a link' }).press('Enter');
  await expect(page.getByTestId('outside-link')).toBeVisible();
  await expectNoBrokenRule('open');
  await write(page);
  await expectNoBrokenRule('written');
});

test("nobody's console complained, and nothing was asked of a foreign address", () => {
  for (const { complaints, foreignRequests } of [anna, bora]) {
    expect(complaints).toEqual([]);
    expect(foreignRequests).toEqual([]);
  }
});

/** The stock client as one script. */
const stockClient = async (): Promise<string> => {
  const outDir = mkdtempSync(join(tmpdir(), 'hearthnet-stock-'));
  const entry = fileURLToPath(new URL('../support/stock-guest.ts', import.meta.url));
  try {
    await build({
      configFile: false,
      logLevel: 'error',
      root: fileURLToPath(new URL('../support/', import.meta.url)),
      define: { 'process.env.NODE_ENV': '"production"' },
      build: {
        outDir,
        copyPublicDir: false,
        lib: { entry, formats: ['iife'], name: 'stock', fileName: () => 'stock.js' },
      },
    });
    return readFileSync(join(outDir, 'stock.js'), 'utf8');
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
};
