import type { Resident } from '../support/street.ts';
import type { BenchStreet } from './bench-pages.ts';
import type { OwnPage } from './page-own.ts';
import { rounded, waitUntil } from './samples.ts';

const limitMs = 60_000;
/** Each event is signed and flushed to disk before it is sent, so the writing alone takes a while. */
const manyLimitMs = 120_000;
/** With its salt, its names and its ids the payload of such an event has 100 bytes. */
const smallChars = 38;
/** Fewer than in Node: every one waits for the disk, and the bench has its time. */
const liveEvents = 2_000;

declare global {
  var startOwn: (signalUrl: string) => Promise<OwnPage>;
  var own: OwnPage;
}

/** The whole node on bench pages whose logs can be read: places, ids and digests are compared, payloads must be there. */
export const measureOwnPages = async (street: BenchStreet) => {
  const large = await lateJoin(street);
  const anna = await openOwn(street, 'Anna-live');
  const bora = await openOwn(street, 'Bora-live');
  await anna.page.evaluate(() => own.found('Anna'));
  await knock(anna, bora);
  await anna.page.evaluate(() => own.admitNext());
  if ((await waitUntil(() => isSame(anna, bora), limitMs, 20)) === null) throw new Error('bora never came in');
  const start = performance.now();
  await write(anna, liveEvents, smallChars);
  const write2kMs = rounded(performance.now() - start);
  const came = await waitUntil(() => isSame(anna, bora), manyLimitMs, 20);
  const sync2kMs = came === null ? null : rounded(performance.now() - start);
  await bora.context.close();
  await anna.page.evaluate(() => own.setFilling(true));
  await write(anna, 10_000 - liveEvents, smallChars);
  await anna.page.evaluate(() => own.setFilling(false));
  const rawStrictCommitMs = rounded(await anna.page.evaluate(timeRawCommits), 2);
  const lateJoin10kMs = await timeJoin(street, anna, 'Chen-late', manyLimitMs);
  await anna.context.close();
  return {
    late300kBOk: large.ms !== null && large.bytes >= 300_000,
    late300kBMs: large.ms,
    lateJoin10kMs,
    sync2kMs,
    write2kMs,
    writeMsPerEvent: rounded(write2kMs / liveEvents, 2),
    rawStrictCommitMs,
  };
};

/** In the page: what one strict IndexedDB transaction with one record of an event's size takes here, mean of 300. */
const timeRawCommits = async (): Promise<number> => {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open('bench-raw', 1);
    request.addEventListener('upgradeneeded', () => void request.result.createObjectStore('rows'));
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error));
  });
  const start = performance.now();
  for (let at = 0; at < 300; at++) {
    await new Promise<void>((resolve) => {
      const transaction = database.transaction('rows', 'readwrite', { durability: 'strict' });
      transaction.addEventListener('complete', () => resolve());
      transaction.objectStore('rows').put(new Uint8Array(330), at);
    });
  }
  return (performance.now() - start) / 300;
};

const lateJoin = async (street: BenchStreet) => {
  const anna = await openOwn(street, 'Anna-large');
  await anna.page.evaluate(() => own.found('Anna'));
  const bytes = await write(anna, 80, 3_900);
  const ms = await timeJoin(street, anna, 'Bora-large', limitMs);
  await anna.context.close();
  return { bytes, ms };
};

/** From the admission to the moment both logs are the same; null when that never comes. */
const timeJoin = async (
  street: BenchStreet,
  anna: Resident,
  name: string,
  withinMs: number,
): Promise<number | null> => {
  const newcomer = await openOwn(street, name);
  await knock(anna, newcomer);
  const start = performance.now();
  await anna.page.evaluate(() => own.admitNext());
  const came = await waitUntil(() => isSame(anna, newcomer), withinMs, 20);
  const ms = came === null ? null : rounded(performance.now() - start);
  await newcomer.context.close();
  return ms;
};

const openOwn = async (street: BenchStreet, name: string): Promise<Resident> => {
  const resident = await street.move(name);
  await resident.page.goto(`${street.url()}/page-own.html`);
  await resident.page.evaluate(async (url) => void (globalThis.own = await startOwn(url)), street.signalUrl());
  return resident;
};

const knock = async (anna: Resident, newcomer: Resident): Promise<void> => {
  const invite = await anna.page.evaluate(() => own.invite());
  await newcomer.page.evaluate((code) => own.join('Newcomer', code), invite);
  await anna.page.evaluate(() => own.untilDoor());
};

const write = ({ page }: Resident, count: number, chars: number): Promise<number> =>
  page.evaluate(([n, size]) => own.write(n, size), [count, chars] as const);

const isSame = async (anna: Resident, other: Resident): Promise<boolean> => {
  const seen = await other.page.evaluate(() => own.state());
  return seen !== '' && seen === (await anna.page.evaluate(() => own.state()));
};
