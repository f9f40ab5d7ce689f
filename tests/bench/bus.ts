import type { Page } from '@playwright/test';
import type { Resident } from '../support/street.ts';
import { openBenchStreet, type BenchStreet } from './bench-pages.ts';
import type { BusPage } from './page-bus.ts';
import { timeRawPings } from './raw-channel.ts';
import { median, note, quantile, rounded, waitUntil, type BenchResult } from './samples.ts';

declare global {
  var startBus: (signalUrl: string) => Promise<BusPage>;
  var busPage: BusPage;
}

const pings = 250;
/** A neighbour answers 600 calls a minute of one device; three rounds of pings stay below. */
const pauseMs = 110;
const streamItems = 5_000;

/**
 * The bus between two Chromium profiles, each with a whole node. `localP50Us` is a call through both gates, schema, routing, handler
 * and trace; `screenP50Us` is the same asked by a screen, over a port to the node and back; beside both `comlink` over a port of
 * the same kind with none of it. `remoteP50Ms` is `mesh.ping` at the neighbour over the link that stands; beside it a short message
 * there and back over a bare data channel between the same two pages. `authorizeUs` is the first gate with a token of two links that
 * was shown before.
 */
export const run = async (): Promise<BenchResult> => {
  const street = await openBenchStreet();
  try {
    const { anna, bora } = await moveIn(street);
    note('local calls');
    await anna.page.evaluate(() => busPage.timeLocal(20));
    const local = await anna.page.evaluate(() => busPage.timeLocal(60));
    note('the first gate');
    const authorizeUs = await anna.page.evaluate(() => busPage.timeAuthorize(60));
    const remote: number[] = [];
    const raw: number[] = [];
    for (let round = 1; round <= 2; round++) {
      note(`remote calls, round ${round}`);
      raw.push(...(await timeRawPings(anna.page, bora.page, pings, pauseMs)));
      remote.push(
        ...(await anna.page.evaluate(([n, pause]) => busPage.timeRemote(n, pause), [pings, pauseMs] as const)),
      );
    }
    note('a stream');
    const perS: number[] = [];
    for (let round = 0; round < 5; round++)
      perS.push(await anna.page.evaluate((n) => busPage.timeStream(n), streamItems));
    const [localP50Us, screenP50Us, comlinkP50Us] = [local.inNode, local.screen, local.comlink].map(median) as [
      number,
      number,
      number,
    ];
    const [remoteP50Ms, rawP50Ms] = [median(remote), median(raw)];
    return {
      figures: {
        localP50Us: rounded(localP50Us),
        localOverComlink: rounded(localP50Us / comlinkP50Us, 2),
        screenP50Us: rounded(screenP50Us),
        screenOverComlink: rounded(screenP50Us / comlinkP50Us, 2),
        authorizeUs: rounded(median(authorizeUs)),
        remoteP50Ms: rounded(remoteP50Ms, 2),
        remoteP99Ms: rounded(quantile(remote, 0.99), 2),
        remoteOverPing: rounded(remoteP50Ms / rawP50Ms, 2),
        streamItemsPerS: Math.round(median(perS)),
      },
      peers: {
        comlink: { callP50Us: rounded(comlinkP50Us) },
        rawDataChannel: { pingP50Ms: rounded(rawP50Ms, 2), pingP99Ms: rounded(quantile(raw, 0.99), 2) },
      },
    };
  } finally {
    await street.close();
  }
};

const moveIn = async (street: BenchStreet): Promise<{ anna: Resident; bora: Resident }> => {
  const anna = await street.move('Anna');
  const bora = await street.move('Bora');
  for (const { page } of [anna, bora]) await open(page, street);
  await anna.page.evaluate(() => busPage.found());
  const invite = await anna.page.evaluate(() => busPage.invite());
  await bora.page.evaluate((code) => busPage.join(code), invite);
  await anna.page.evaluate(() => busPage.admitNext());
  const met = await waitUntil(() => anna.page.evaluate(() => busPage.offersStream()), 60_000, 100);
  if (met === null) throw new Error('bora never offered anything');
  return { anna, bora };
};

const open = async (page: Page, street: BenchStreet): Promise<void> => {
  await page.goto(`${street.url()}/page-bus.html`);
  await page.evaluate(async (url) => void (globalThis.busPage = await startBus(url)), street.signalUrl());
};
