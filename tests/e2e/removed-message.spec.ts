import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { foundNeighbourhood, goTo, knock, letIn, say, showInvite } from '../support/walks.ts';

/** Two browsers: what was said and removed for all is gone from both screens and both disks, and stays gone. */
test.describe.configure({ mode: 'serial' });

let street: Street;
let anna: Resident;
let bora: Resident;
const regretted = 'The key is under the mat';

test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
  anna = await street.move('Anna', { locale: 'en-US' });
  bora = await street.move('Bora', { locale: 'de-DE' });
  await foundNeighbourhood(street, anna);
  await knock(await showInvite(street, anna), bora, 'de');
  await letIn(anna);
  await expect(bora.page.getByRole('heading', { name: 'Du bist drin' })).toBeVisible({ timeout: 30_000 });
  await goTo(bora, 'chat');
});
test.afterAll(() => street.close());

/** Whether the words stand anywhere in what this browser keeps of the node. */
const isOnDisk = (page: Page, text: string): Promise<boolean> =>
  page.evaluate(async (wanted) => {
    const decoder = new TextDecoder();
    const holds = (value: unknown): boolean => {
      if (value instanceof Uint8Array) return decoder.decode(value).includes(wanted);
      if (typeof value === 'string') return value.includes(wanted);
      return typeof value === 'object' && value !== null && Object.values(value).some(holds);
    };
    const done = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.addEventListener('success', () => resolve(request.result));
        request.addEventListener('error', () => reject(request.error ?? new Error('the database was not read')));
      });
    for (const { name } of await indexedDB.databases()) {
      const database = await done(indexedDB.open(name ?? ''));
      for (const store of [...database.objectStoreNames].filter((each) => each === 'segments' || each === 'payloads')) {
        const records = await done(database.transaction(store).objectStore(store).getAll());
        if (records.some(holds)) return (database.close(), true);
      }
      database.close();
    }
    return false;
  }, text);

const bubble = (page: Page, text: string) => page.getByTestId('message').filter({ hasText: text });

test('Anna changes her mind within five seconds: nothing happens at Bora', async () => {
  await say(anna, 'Soup at six');
  await expect(bubble(bora.page, 'Soup at six')).toBeVisible({ timeout: 20_000 });
  await bubble(anna.page, 'Soup at six').getByRole('button').click();
  await anna.page.getByRole('button', { name: 'Remove for everyone' }).click();
  await anna.page.getByRole('button', { name: 'Undo' }).click();
  await expect(bubble(anna.page, 'Soup at six')).toBeVisible();
});

test('Anna removes for all, by keyboard: both see who did it, and the words are on no disk', async () => {
  await say(anna, regretted);
  await expect(bubble(bora.page, regretted)).toBeVisible({ timeout: 20_000 });
  expect(await isOnDisk(bora.page, regretted)).toBe(true);
  await bubble(anna.page, regretted).getByRole('button').focus();
  await anna.page.keyboard.press('Enter');
  await anna.page.keyboard.press('Tab');
  await expect(anna.page.getByRole('button', { name: 'Remove for everyone' })).toBeFocused();
  const { violations } = await new AxeBuilder({ page: anna.page }).setLegacyMode(true).analyze();
  expect(violations).toEqual([]);
  await anna.page.keyboard.press('Enter');
  await expect(anna.page.getByText('You removed this')).toBeVisible({ timeout: 20_000 });
  await expect(bora.page.getByText('Anna hat das entfernt')).toBeVisible({ timeout: 20_000 });
  for (const { page } of [anna, bora]) {
    await expect(page.getByText(regretted)).toHaveCount(0);
    await expect.poll(() => isOnDisk(page, regretted)).toBe(false);
  }
});

test('after a reload it is still gone at both, and what was not removed still stands', async () => {
  for (const { page } of [anna, bora]) await page.reload();
  await expect(anna.page.getByText('You removed this')).toBeVisible({ timeout: 20_000 });
  await expect(bora.page.getByText('Anna hat das entfernt')).toBeVisible({ timeout: 20_000 });
  for (const { page } of [anna, bora]) {
    await expect(bubble(page, 'Soup at six')).toBeVisible();
    await expect(page.getByText(regretted)).toHaveCount(0);
    expect(await isOnDisk(page, regretted)).toBe(false);
  }
  const { violations } = await new AxeBuilder({ page: bora.page }).setLegacyMode(true).analyze();
  expect(violations).toEqual([]);
});
