import { expect, test } from '@playwright/test';
import { givePageBus } from '../support/page-bus.ts';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { foundNeighbourhood, goTo, knock, letIn, showInvite } from '../support/walks.ts';

/** Three profiles, the production build, OPFS in the node's worker, chunks over the WebRTC links that stand anyway. */
test.describe.configure({ mode: 'serial' });

const size = 96 * 1024 * 1024 + 12_345;
const chunks = 385;
const seed = 4711;

let street: Street;
let anna: Resident;
let bora: Resident;
let chen: Resident;
let cid = '';

const comeIn = async (newcomer: Resident): Promise<void> => {
  const link = await showInvite(street, anna);
  await knock(link, newcomer, 'en');
  await letIn(anna);
  await expect(newcomer.page.getByRole('heading', { name: 'You are in' })).toBeVisible({ timeout: 30_000 });
};

test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
  anna = await street.move('Anna');
  bora = await street.move('Bora');
  chen = await street.move('Chen');
  for (const { page } of [anna, bora, chen]) await givePageBus(page);
  await foundNeighbourhood(street, anna);
  await comeIn(bora);
  await comeIn(chen);
});
test.afterAll(() => street.close());

test('Anna puts in a file of 96 MB and Bora fetches it from her, byte for byte', async () => {
  cid = await anna.page.evaluate(([s, n]) => pageBus.putBytes(s, n), [seed, size] as const);
  const whole = await bora.page.evaluate((id) => pageBus.fetchUntil(id, Infinity), cid);
  expect(whole).toMatchObject({ state: 'complete', have: chunks, total: chunks });
  expect(await bora.page.evaluate(([id, s, n]) => pageBus.hasBytes(id, s, n), [cid, seed, size] as const)).toBe(true);
});

test('Chen fetches it from both at once; when Anna and her browser are gone in the middle, Bora gives the rest', async () => {
  await goTo(chen, 'mesh');
  await expect(chen.page.getByText(/linked directly/)).toHaveCount(2, { timeout: 60_000 });
  const some = await chen.page.evaluate((id) => pageBus.fetchUntil(id, 60), cid);
  expect(some.have).toBeLessThan(chunks);
  expect(some.from).toHaveLength(2);
  await street.moveOut(anna);
  const more = await chen.page.evaluate(([id, n]) => pageBus.fetchUntil(id, n), [cid, some.have + 20] as const);
  expect(more.have).toBeLessThan(chunks);
});

test('Chen reloads in the middle: what was there still is, and it goes on by itself until all is there', async () => {
  await chen.page.reload();
  const after = await chen.page.evaluate((id) => pageBus.fetchUntil(id, 1), cid);
  expect(after.have).toBeGreaterThanOrEqual(60);
  const whole = await chen.page.evaluate((id) => pageBus.fetchUntil(id, Infinity), cid);
  expect(whole).toMatchObject({ state: 'complete', have: chunks, total: chunks });
  expect(await chen.page.evaluate(([id, s, n]) => pageBus.hasBytes(id, s, n), [cid, seed, size] as const)).toBe(true);
});

test('the list says what room it takes, on the disk, and the links did their other work meanwhile', async () => {
  const list = await chen.page.evaluate(() => pageBus.call('blobs.list@1.0', { most: 10 }, () => true));
  expect(list).toMatchObject({ keptIn: 'disk', blobs: [{ cid, isPinned: true, isShared: true, isWanted: false }] });
  expect((list as { usedBytes: number }).usedBytes).toBeGreaterThan(size);
  for (const { name, complaints, foreignRequests } of [bora, chen])
    expect({ name, complaints, foreignRequests }).toEqual({ name, complaints: [], foreignRequests: [] });
});
