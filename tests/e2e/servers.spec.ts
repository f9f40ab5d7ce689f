import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { foundNeighbourhood, goTo, knock, letIn, showInvite } from '../support/walks.ts';

/** The meeting servers in Settings: a trusted person names one to everybody, and takes it out again. */
test.describe.configure({ mode: 'serial' });

/** A name for this machine that is not "this very device": only such an address is of use to others. */
const browserArgs = ['--host-resolver-rules=MAP hearth.test localhost'];

let street: Street;
let second: Street;
let anna: Resident;
let bora: Resident;
let address: string;

test.beforeAll(async () => {
  street = await openStreet();
  second = await openStreet();
  await street.startServer();
  address = `ws://hearth.test:${new URL(await second.startServer()).port}/mesh`;
  anna = await street.move('Anna', { browserArgs });
  bora = await street.move('Bora', { browserArgs, locale: 'de-DE' });
  await foundNeighbourhood(street, anna);
  await knock(await showInvite(street, anna), bora, 'de');
  await letIn(anna);
  await expect(bora.page.getByRole('heading', { name: 'Du bist drin' })).toBeVisible();
  await goTo(anna, 'settings');
  await goTo(bora, 'settings');
});
test.afterAll(async () => {
  await street.close();
  await second.close();
});

const rowOf = ({ page }: Resident, url: string) => page.getByTestId('server').filter({ hasText: url });
const defaultAddress = (): string => `${street.url().replace(/^http/, 'ws')}/mesh`;

test('the list has the one server, and there is nothing to tell of an address that leads only to this device', async () => {
  await expect(anna.page.getByTestId('server')).toHaveCount(1);
  await expect(rowOf(anna, defaultAddress()).getByText(/· answers$/)).toBeVisible();
  await expect(anna.page.getByTestId('server').getByRole('button')).toHaveCount(0);
});

test('Anna sets another server for herself; it is tried first and only she has it', async () => {
  const { page } = anna;
  await page.getByLabel('Address of the meeting server').fill(address);
  await page.getByRole('button', { name: 'Save', exact: true }).last().click();
  await expect(page.getByText('The new address is in use')).toBeVisible();
  await expect(rowOf(anna, address).getByText(/· answers$/)).toBeVisible();
  await expect(page.getByTestId('server').first()).toContainText(address);
  await expect(rowOf(bora, defaultAddress())).toBeVisible();
  await expect(rowOf(bora, address)).toHaveCount(0);
});

test('she tells the neighbourhood: Bora is connected there too, and is offered no act on it', async () => {
  await rowOf(anna, address).getByRole('button', { name: 'Tell the neighbourhood' }).click();
  await expect(anna.page.getByText('Everybody here is told of this server')).toBeVisible();
  await expect(rowOf(bora, address).getByText(/· antwortet$/)).toBeVisible({ timeout: 30_000 });
  await expect(bora.page.getByTestId('server').getByRole('button')).toHaveCount(0);
  const { violations } = await new AxeBuilder({ page: anna.page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
});

test('the first server goes: over the one they were told of, each still has a way', async () => {
  await street.stopServer();
  for (const [one, gone] of [
    [anna, 'has not answered since'],
    [bora, 'antwortet nicht'],
  ] as const)
    await expect(rowOf(one, defaultAddress())).toContainText(gone, { timeout: 30_000 });
  await expect(rowOf(bora, address).getByText(/· antwortet$/)).toBeVisible();
  await bora.page.reload();
  await expect(rowOf(bora, address).getByText(/· antwortet$/)).toBeVisible({ timeout: 30_000 });
});

test('she takes it out for everybody: Bora no longer has it, she still does', async () => {
  await rowOf(anna, address).getByRole('button', { name: 'Take out for everybody' }).click();
  await expect(anna.page.getByText('The neighbourhood no longer names this server')).toBeVisible();
  await expect(rowOf(bora, address)).toHaveCount(0, { timeout: 30_000 });
  await expect(rowOf(anna, address).getByRole('button', { name: 'Tell the neighbourhood' })).toBeVisible();
  await anna.page.getByRole('button', { name: 'Back to the default' }).click();
  await expect(rowOf(anna, address)).toHaveCount(0);
});

test("nobody's console complained of anything but the server that was stopped", () => {
  const foreign = ({ complaints }: Resident) => complaints.filter((line) => !/WebSocket connection to/.test(line));
  expect([foreign(anna), foreign(bora)]).toEqual([[], []]);
});
