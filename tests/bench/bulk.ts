import { limits } from '../../src/lib/kernel/limits.ts';
import { givePageBus, type PageProgress } from '../support/page-bus.ts';
import { openStreet, type Resident, type Street } from '../support/street.ts';
import { foundNeighbourhood, goTo, knock, letIn, showInvite } from '../support/walks.ts';
import { timeRawChannel } from './raw-channel.ts';
import { median, note, rounded, type BenchResult } from './samples.ts';

const megabyte = 1024 * 1024;

/**
 * A blob between two Chromium profiles of the built app, from the put in one to the last chunk verified and on the disk of the
 * other, over the WebRTC link that stands anyway. Beside it, before and after in the same two pages, one bare data channel that
 * carries as many bytes and keeps none. `resumeOk`: one large blob (1 GB unless told) with two interruptions, the receiver's page
 * reloaded after a third and the sender's after two thirds; nothing that was there is fetched again, and all bytes come out as they
 * went in.
 */
export const run = async (args: readonly string[]): Promise<BenchResult> => {
  const bytes = Number(args[0] ?? 64) * megabyte;
  const largeBytes = Number(args[1] ?? 1024) * megabyte;
  const street = await openStreet();
  try {
    await street.startServer();
    const { anna, bora } = await moveIn(street);
    const rawMs: number[] = [];
    const fetchMs: number[] = [];
    const putMs: number[] = [];
    for (let round = 1; round <= 3; round++) {
      note(`round ${round}`);
      rawMs.push(await timeRawChannel(anna.page, bora.page, bytes));
      const { put, fetch } = await timeBlob(anna, bora, round, bytes);
      putMs.push(put);
      fetchMs.push(fetch);
    }
    note('a large one, interrupted twice');
    const resume = await interruptTwice(anna, bora, largeBytes);
    const perS = (ms: number): number => rounded(bytes / megabyte / (ms / 1000), 1);
    const mbPerS = perS(median(fetchMs));
    const rawMbPerS = perS(median(rawMs));
    return {
      figures: {
        mbPerS,
        overRaw: rounded(mbPerS / rawMbPerS, 2),
        putMbPerS: perS(median(putMs)),
        resumeOk: resume.isWhole && resume.hadBefore > 0,
        resumedChunks: resume.hadBefore,
        resumedMbPerS: rounded(largeBytes / megabyte / (resume.ms / 1000), 1),
        megabytes: bytes / megabyte,
        resumedMegabytes: largeBytes / megabyte,
      },
      peers: { rawDataChannel: { mbPerS: rawMbPerS } },
    };
  } finally {
    await street.close();
  }
};

const moveIn = async (street: Street): Promise<{ anna: Resident; bora: Resident }> => {
  const anna = await street.move('Anna');
  const bora = await street.move('Bora');
  for (const { page } of [anna, bora]) await givePageBus(page);
  await foundNeighbourhood(street, anna);
  const link = await showInvite(street, anna);
  await knock(link, bora, 'en');
  await letIn(anna);
  await bora.page.getByRole('heading', { name: 'You are in' }).waitFor({ timeout: 30_000 });
  await goTo(bora, 'mesh');
  await bora.page
    .getByText(/linked directly/)
    .first()
    .waitFor({ timeout: 30_000 });
  return { anna, bora };
};

const timeBlob = async (anna: Resident, bora: Resident, seed: number, bytes: number) => {
  const before = performance.now();
  const cid = await anna.page.evaluate(([s, n]) => pageBus.putBytes(s, n), [seed, bytes] as const);
  const start = performance.now();
  await bora.page.evaluate((id) => pageBus.fetchUntil(id, Infinity), cid);
  return { put: start - before, fetch: performance.now() - start };
};

/** `hadBefore`: how many chunks were there before the first interruption and were never fetched again; `ms` with both in it. */
const interruptTwice = async (anna: Resident, bora: Resident, bytes: number) => {
  const seed = 99;
  const cid = await anna.page.evaluate(([s, n]) => pageBus.putBytes(s, n), [seed, bytes] as const);
  const third = Math.floor(bytes / limits.blobChunkBytes / 3);
  const fetchUntil = (chunks: number): Promise<PageProgress> =>
    bora.page.evaluate(([id, n]) => pageBus.fetchUntil(id, n), [cid, chunks] as const);
  const start = performance.now();
  await fetchUntil(third);
  await bora.page.reload();
  await fetchUntil(2 * third);
  await anna.page.reload();
  const whole = await fetchUntil(Infinity);
  const ms = performance.now() - start;
  note(`fetched in ${Math.round(ms / 1000)} s, comparing`);
  const isSame = await bora.page.evaluate(([id, s, n]) => pageBus.hasBytes(id, s, n), [cid, seed, bytes] as const);
  const fetchedAfter = whole.from.reduce((total, { chunks }) => total + chunks, 0);
  const hadBefore = whole.total - fetchedAfter;
  return { isWhole: isSame && whole.state === 'complete', hadBefore: hadBefore >= third ? hadBefore : 0, ms };
};
