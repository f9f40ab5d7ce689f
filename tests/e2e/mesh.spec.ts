import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { foundNeighbourhood, goTo, knock, letIn, showInvite } from '../support/walks.ts';

/** The Mesh screen over real links: the picture, the sheet behind the pill, the self-check, and the hidden address. */
test.describe.configure({ mode: 'serial' });

let street: Street;
let anna: Resident;
let bora: Resident;

test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
  anna = await street.move('Anna', { locale: 'en-US' });
  bora = await street.move('Bora', { locale: 'en-US' });
  await foundNeighbourhood(street, anna);
  await knock(await showInvite(street, anna), bora, 'en');
  await letIn(anna);
  await goTo(bora, 'mesh');
});
test.afterAll(() => street.close());

const linkOf = ({ page }: Resident, name: string) =>
  page.getByTestId('person').filter({ hasText: name }).getByTestId('connection');

test('Anna sees Bora in the picture and in the list, by which way, and the picture is worked by keyboard', async () => {
  const { page } = anna;
  await expect(linkOf(anna, 'Bora')).toHaveText(/linked directly, same network · \d+ ms/, { timeout: 30_000 });
  const face = page.getByTestId('graph-person').filter({ has: page.locator('text', { hasText: 'Bora' }) });
  await expect(face).toHaveAttribute('aria-label', /^Bora, linked directly/);
  await face.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Bora' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'List only' }).click();
  await expect(page.getByTestId('graph')).toBeHidden();
  await page.getByRole('button', { name: 'Picture and list' }).click();
  await expect(page.getByTestId('graph')).toBeVisible();
});

test('the sheet says by which way each neighbour is reached and why, and no rule of axe is broken on it', async () => {
  const { page } = anna;
  await page.getByTestId('status-pill').click();
  await expect(page.getByTestId('neighbour-way')).toHaveAttribute('data-way', 'local');
  await expect(
    page.getByRole('dialog').getByText('Both are in the same network; this needs no internet.'),
  ).toBeVisible();
  const { violations } = await new AxeBuilder({ page }).include('dialog[open]').analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
});

test('the check goes through six steps and ends with an answer of Bora', async () => {
  const { page } = anna;
  await page.getByRole('dialog').getByRole('button', { name: 'Check the connection' }).click();
  await expect(page.getByRole('dialog').getByText('All is well: a neighbour answered.')).toBeVisible({
    timeout: 30_000,
  });
  await expect(page.getByRole('dialog').getByRole('img', { name: 'Fine' })).toHaveCount(6);
  await page.keyboard.press('Escape');
});

test('Anna hides her address: the link goes over the server and says so on both sides, and comes back when she stops', async () => {
  const { page } = anna;
  await goTo(anna, 'settings');
  await page.getByRole('switch', { name: 'Hide my address' }).click();
  await goTo(anna, 'mesh');
  await expect(linkOf(anna, 'Bora')).toHaveText(/over the server, sealed/, { timeout: 30_000 });
  await expect(linkOf(bora, 'Anna')).toHaveText(/over the server, sealed/, { timeout: 30_000 });
  await page.getByTestId('status-pill').click();
  await expect(page.getByRole('dialog').getByText(/Because you hide your address/)).toBeVisible();
  await page.keyboard.press('Escape');
  await goTo(anna, 'settings');
  await page.getByRole('switch', { name: 'Hide my address' }).click();
  await goTo(anna, 'mesh');
  await expect(linkOf(anna, 'Bora')).toHaveText(/linked directly/, { timeout: 30_000 });
});

test('Bora closes his page: within its time Anna sees him away, and the picture has no line to him', async () => {
  await bora.page.close();
  await expect(linkOf(anna, 'Bora')).toHaveText(/away, heard/, { timeout: 20_000 });
  await expect(anna.page.getByTestId('graph').locator('line.own')).toHaveCount(0);
});

test('without the server the check names that step and the one thing to do', async () => {
  const { page } = anna;
  await street.stopServer();
  await expect(page.getByTestId('status-pill')).toHaveText('Only this device', { timeout: 30_000 });
  await page.getByTestId('status-pill').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Check the connection' }).click();
  await expect(page.getByTestId('check-broken')).toHaveAttribute('data-step', 'server', { timeout: 30_000 });
  await expect(page.getByTestId('check-broken').getByText('It stops at step 3 of 6.')).toBeVisible();
  await expect(page.getByTestId('check-broken').getByText(/link by two codes/)).toBeVisible();
});
