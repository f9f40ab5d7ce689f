import { communityKeyCheck } from '../crypto/community-key.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Mailbox, Mailboxes } from '../kernel/ports/mailbox.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';
import type { Store } from '../kernel/ports/store.ts';
import { createSignal } from '../kernel/watch.ts';
import { authorityLane } from '../log/event.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import { placeKey } from '../log/receipts.ts';
import type { BoxItem } from './box-item.ts';
import { isBoxSource, readShelf, type ReaderDeps, type Shelf } from './box-reader.ts';
import { putDue, putItem } from './box-writer.ts';
import { untilNextKey } from './due-events.ts';
import { createShelves } from './shelves.ts';

export type CommunityBoxDeps = {
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly mailboxes: Mailboxes;
  readonly here: Neighbourhood;
  /** True when a link stands to every device: what is written now is mostly held by all in a moment, and needs no box. */
  readonly isLinkedToAll: () => boolean;
  readonly letters: Pick<ReaderDeps, 'takeLetter' | 'takeArrived'>;
  readonly onRefused: (reason: string) => void;
};

/**
 * Store and forward for the whole neighbourhood: at every relay lies one box that only who knows the community's key can open. What
 * this device wrote and somebody has not signed for is kept there, sealed; what others left there is taken in like anything a
 * neighbour sends. Looked into when a relay appears, after writing, and now and then.
 */
export const createCommunityBox = (deps: CommunityBoxDeps) => {
  const { clock, random, mailboxes, here, onRefused } = deps;
  const stops = createStops();
  const changed = createSignal();
  const shelves = createShelves(deps);
  const turns = new Map<string, Promise<void>>();
  const ownShelves = new Map<string, Shelf>();
  const answers = createAnswers(deps, (item) => putEverywhere(item));
  const reader: ReaderDeps = {
    ...deps.letters,
    log: here.log,
    onRefused,
    takeReceipt: async (receipt) => {
      const taken = await here.receipts.take(receipt);
      if (taken.ok && taken.value) here.noteReceipt();
      else if (!taken.ok && taken.error !== 'receipt-own') onRefused(taken.error);
    },
  };
  let isRunning = false;
  let keptBefore: ReadonlyMap<string, number> = new Map();
  /** What others wrote and lies in no box: how much of each lane this device stands in for, from its next look on. */
  let courier: ReadonlyMap<string, number> = new Map();

  const look = async (mailbox: Mailbox): Promise<void> => {
    if (!isRunning || !here.mayMeet()) return;
    const found = await shelves.at(mailbox, here.meetingKeys());
    for (const shelf of found) if (isRunning && (await readShelf(reader, shelf))) answers.soon();
    const own = found.at(-1);
    if (!own || !isRunning || here.membership().members.size < 2) return;
    ownShelves.set(mailbox.url, own);
    const nowMs = clock.now();
    const until = (author: string, lane: number, next: number): number =>
      author === here.log.own ? next : Math.min(next, courier.get(placeKey(author, lane)) ?? 0);
    const writer = { random, here, onRefused };
    await putDue(writer, own, { nowMs, until });
    for (const older of found.slice(0, -1)) {
      const reach = untilNextKey(here, await communityKeyCheck(deps.crypto, older.communityKey));
      const untilKey = (author: string, lane: number, next: number): number =>
        lane === authorityLane && author === reach?.author ? Math.min(reach.next, until(author, lane, next)) : 0;
      await putDue(writer, older, { nowMs, until: untilKey });
    }
    changed.tell();
  };

  /** One look at a relay at a time; what was asked for meanwhile is done by one more. */
  const lookSoon = (mailbox: Mailbox): void => {
    const before = turns.get(mailbox.url) ?? Promise.resolve();
    const turn: Promise<void> = before.then(() => (turns.get(mailbox.url) === turn ? look(mailbox) : undefined));
    turns.set(mailbox.url, turn);
  };
  const lookAll = (): void => {
    for (const mailbox of mailboxes.all()) lookSoon(mailbox);
  };
  const putEverywhere = async (item: Partial<BoxItem>): Promise<boolean> => {
    let isKept = false;
    for (const mailbox of here.mayMeet() ? mailboxes.all() : []) {
      const own = (await shelves.at(mailbox, here.meetingKeys())).at(-1);
      if (own) isKept = (await putItem({ random, here, onRefused }, own, item)) || isKept;
    }
    return isKept;
  };

  const soon = createDelay(clock, lookAll);
  const courierSoon = createDelay(clock, () => {
    courier = new Map(here.log.heads().map(({ author, lane, next }) => [placeKey(author, lane), next]));
    lookAll();
  });
  const recall = async (): Promise<void> => {
    const [key] = here.meetingKeys();
    if (key) keptBefore = await shelves.before(key);
    changed.tell();
  };
  const devices = (): number => here.log.heads().length;

  return {
    start: () => {
      if (isRunning) return;
      isRunning = true;
      stops.add(mailboxes.onOpen(lookSoon));
      stops.add(every(clock, () => limits.boxLookMs + randomInt(random, limits.boxLookMs / 4), lookAll));
      stops.add(
        here.log.onStored(({ source }) => {
          if (source === null) soon.in(deps.isLinkedToAll() ? limits.boxReceiptsWaitMs : limits.boxSoonMs);
          else if (!isBoxSource(source))
            courierSoon.in(limits.boxCourierMs + randomInt(random, limits.boxCourierPerDeviceMs * (1 + devices())));
        }),
      );
      void recall();
      lookAll();
    },
    stop: () => {
      isRunning = false;
      stops.run();
      soon.cancel();
      courierSoon.cancel();
      answers.cancel();
    },
    putEverywhere,
    /** True when a relay keeps this event of ours, as far as this device was told, or needed not. */
    isKept: (lane: number, seq: number): boolean => {
      const place = placeKey(here.log.own, lane);
      const seen = [...ownShelves.values()].map(({ ledger }) => ledger.next(place));
      return Math.max(...(seen.length > 0 ? seen : [keptBefore.get(place) ?? 0])) > seq;
    },
    onChange: changed.on,
    /** Resolves when every look that was begun has ended. */
    settled: async (): Promise<void> => void (await Promise.all(turns.values())),
  } satisfies Startable & Record<string, unknown>;
};
export type CommunityBox = ReturnType<typeof createCommunityBox>;

/** One timer: asked for again, the earlier time stands. */
const createDelay = (clock: Clock, run: () => void) => {
  let pending: { readonly at: number; cancel(): void } | null = null;
  const cancel = (): void => {
    pending?.cancel();
    pending = null;
  };
  return {
    cancel,
    in: (delayMs: number): void => {
      const at = clock.now() + delayMs;
      if (pending && pending.at <= at) return;
      cancel();
      pending = {
        at,
        cancel: clock.after(delayMs, () => {
          pending = null;
          run();
        }),
      };
    },
  };
};

/** Signs for what came by a box where its author looks: in the box. */
const createAnswers = (
  { clock, random, here }: CommunityBoxDeps,
  put: (item: Partial<BoxItem>) => Promise<boolean>,
) => {
  let told: Bytes | null = null;
  const waitMs = (): number =>
    limits.boxAnswerMs + randomInt(random, limits.boxAnswerPerDeviceMs * here.membership().members.size + 1);
  const answer = async (): Promise<void> => {
    // The receipt for it is written by and by; a later one says the same.
    if (here.receipts.hasNews()) return delay.in(waitMs());
    const receipt = here.receipts.own();
    if (receipt && receipt !== told && (await put({ receipts: [receipt] }))) told = receipt;
  };
  const delay = createDelay(clock, () => void answer());
  return { soon: () => delay.in(waitMs()), cancel: delay.cancel };
};
