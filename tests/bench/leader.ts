import type { Page } from '@playwright/test';
import { givePageBus } from '../support/page-bus.ts';
import { crashTab, openStreet, type Resident, type Street } from '../support/street.ts';
import { foundNeighbourhood } from '../support/walks.ts';
import { median, note, quantile, rounded, waitUntil, type BenchResult } from './samples.ts';

type Entry = { readonly seq: number; readonly lane: number; readonly eventId: string };

/**
 * The tab that runs the node is crashed, again and again, while another tab of the same profile writes: milliseconds from the crash to
 * the first message that the next node accepted, and whether every accepted one is in the log in the end, under a number of its own.
 * `npm run bench -- leader 50`.
 */
export const run = async (args: readonly string[]): Promise<BenchResult> => {
  const kills = Number(args[0] ?? 50);
  const street = await openStreet();
  try {
    await street.startServer();
    const anna = await street.move('Anna');
    await givePageBus(anna.page);
    await foundNeighbourhood(street, anna);
    const tabs = [anna.page, await openTab(street, anna)];
    const firstWriteMs: number[] = [];
    const accepted: string[] = [];
    for (let kill = 1; kill <= kills; kill++) {
      if (kill % 10 === 0) note(`kill ${kill}`);
      const leader = await leaderOf(tabs);
      const follower = tabs.find((page) => page !== leader);
      if (!follower) throw new Error('nobody follows');
      accepted.push(await write(follower, `before ${kill}`));
      await crashTab({ ...anna, page: leader });
      const start = performance.now();
      accepted.push(await write(follower, `after ${kill}`));
      firstWriteMs.push(performance.now() - start);
      await leader.close();
      tabs.splice(tabs.indexOf(leader), 1, await openTab(street, anna));
    }
    const entries = await readLog(await leaderOf(tabs));
    const ids = new Set(entries.map(({ eventId }) => eventId));
    return {
      figures: {
        kills,
        firstWriteP50Ms: Math.round(median(firstWriteMs)),
        firstWriteP99Ms: Math.round(quantile(firstWriteMs, 0.99)),
        duplicateSeq: entries.length - new Set(entries.map(({ lane, seq }) => `${lane} ${seq}`)).size,
        acceptedLost: accepted.filter((id) => !ids.has(id)).length,
        accepted: accepted.length,
        events: entries.length,
        perKill: rounded(entries.length / kills, 2),
      },
      peers: {},
    };
  } finally {
    await street.close();
  }
};

const openTab = async (street: Street, { context }: Resident): Promise<Page> => {
  const page = await context.newPage();
  await givePageBus(page);
  await page.goto(street.url());
  return page;
};

/** The page that has the node's worker. */
const leaderOf = async (tabs: readonly Page[]): Promise<Page> => {
  const find = (): Page | undefined =>
    tabs.find((page) => page.workers().some((worker) => worker.url().includes('node')));
  await waitUntil(() => find() !== undefined, 20_000);
  const found = find();
  if (!found) throw new Error('no tab leads');
  return found;
};

/** Asks until a node accepts it, as the app's own windows do; resolves with the event's id. */
const write = (page: Page, text: string): Promise<string> =>
  page.evaluate(async (words) => {
    const clientId = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '');
    // One that reached the crashed node is never answered: it is asked again, while the earlier ones may still be.
    return new Promise<string>((resolve, reject) => {
      const ask = async (): Promise<void> => {
        const reply = (await pageBus.call('chat.send@1.0', { to: 'everyone', text: words, clientId })) as {
          value?: { output: { eventId: string } };
        };
        if (!reply.value) return;
        clearInterval(every);
        resolve(reply.value.output.eventId);
      };
      const again = (): void => void ask().catch(() => undefined);
      const every = setInterval(again, 400);
      setTimeout(() => reject(new Error('never accepted')), 30_000);
      again();
    });
  }, text);

const readLog = (page: Page): Promise<Entry[]> =>
  page.evaluate(async () => {
    const all: Entry[] = [];
    for (let before: string | null = null; ;) {
      const reply = (await pageBus.call('log.entries@1.0', { before, limit: 50 })) as {
        value?: { output: { entries: Entry[]; next: string | null } };
      };
      if (!reply.value) throw new Error(JSON.stringify(reply));
      all.push(...reply.value.output.entries);
      before = reply.value.output.next;
      if (before === null) return all;
    }
  });
