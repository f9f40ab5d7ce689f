import type { Resident } from '../support/street.ts';
import type { BenchStreet } from './bench-pages.ts';
import type { StockPage } from './page-stock.ts';
import { rounded, waitUntil } from './samples.ts';

const limitMs = 60_000;

declare global {
  var startStock: (signalUrl: string, room: string) => StockPage;
  var stock: StockPage;
}

/** Stock y-webrtc 10.3 with the same totals in the same browsers. `...Items` is what had come when the time was over. */
export const measureStockPages = async (street: BenchStreet) => {
  const sync2kMs = await liveSync(street, 2_000);
  const sync10kMs = await liveSync(street, 10_000);
  // Both together: as far as is known both wait out their time, and waiting costs nothing.
  const [large, many] = await Promise.all([lateJoin(street, 80, 3_900), lateJoin(street, 10_000, 100)]);
  return {
    late300kBOk: large.ms !== null,
    late300kBMs: large.ms,
    late300kBItems: large.items,
    lateJoin10kMs: many.ms,
    lateJoin10kItems: many.items,
    lateJoinersLinked: large.isLinked && many.isLinked,
    sync2kMs,
    sync10kMs,
  };
};

const liveSync = async (street: BenchStreet, count: number): Promise<number | null> => {
  const anna = await openStock(street, `live ${count}`);
  const bora = await openStock(street, `live ${count}`);
  const linked = await waitUntil(() => isLinked(bora), limitMs, 20);
  if (linked === null) throw new Error('two stock peers never met');
  const start = performance.now();
  await write(anna, count, 100);
  const came = await waitUntil(async () => (await countOf(bora)) === count, limitMs, 20);
  const ms = came === null ? null : rounded(performance.now() - start);
  await Promise.all([anna.context.close(), bora.context.close()]);
  return ms;
};

const lateJoin = async (street: BenchStreet, count: number, bytes: number) => {
  const room = `late ${count}`;
  const anna = await openStock(street, room);
  await write(anna, count, bytes);
  const start = performance.now();
  const bora = await openStock(street, room);
  const came = await waitUntil(async () => (await countOf(bora)) === count, limitMs, 20);
  const ms = came === null ? null : rounded(performance.now() - start);
  const outcome = { ms, isLinked: await isLinked(bora), items: await countOf(bora) };
  await Promise.all([anna.context.close(), bora.context.close()]);
  return outcome;
};

let opened = 0;
const openStock = async (street: BenchStreet, room: string): Promise<Resident> => {
  opened += 1;
  const resident = await street.move(`stock-${opened}`);
  await resident.page.goto(`${street.url()}/page-stock.html`);
  await resident.page.evaluate(([url, name]) => void (globalThis.stock = startStock(url, name)), [
    street.signalUrl(),
    room,
  ] as const);
  // One after the other: two stock peers who announce themselves in the same moment both offer, and such a pair may never open.
  await waitUntil(() => resident.page.evaluate(() => stock.isOnline()), limitMs, 20);
  return resident;
};

const countOf = ({ page }: Resident): Promise<number> => page.evaluate(() => stock.count());
const isLinked = ({ page }: Resident): Promise<boolean> => page.evaluate(() => stock.linkCount() === 1);
const write = ({ page }: Resident, count: number, bytes: number): Promise<void> =>
  page.evaluate(([n, size]) => stock.write(n, size), [count, bytes] as const);
