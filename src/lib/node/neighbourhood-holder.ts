import type { Stop } from '../kernel/lifecycle.ts';
import { createStops } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Link, Links } from '../kernel/ports/links.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';
import type { SpreadTree } from '../kernel/ports/spread.ts';
import type { Store } from '../kernel/ports/store.ts';
import { createSignal } from '../kernel/watch.ts';
import { createEventLog } from '../log/event-log.ts';
import { createExpiry } from '../log/expiry.ts';
import { createNeighbourhood, type Neighbourhood } from '../log/neighbourhood.ts';
import { shareOf } from '../log/newcomers.ts';
import { createReceiptBook } from '../log/receipt-book.ts';
import { deviceOfReceipt } from '../log/receipts.ts';
import { createSync, receiptsOf, type SyncProgress } from '../replica/sync.ts';
import { createBarredLinks } from './barred-links.ts';
import type { Device } from './device.ts';
import { createDeviceCount } from './device-count.ts';
import { createLateDuties, type LoadDuties } from './late-duties.ts';

export type HolderDeps = {
  readonly crypto: CryptoPort;
  /** The device's own clock, for intervals. */
  readonly clock: Clock;
  /** What is signed says the community's time. */
  readonly communityClock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly links: Links;
  /** How news spreads where not everybody is linked with everybody. */
  readonly tree: SpreadTree;
  readonly device: () => Device;
  /** Somebody else signs with this device's key, or has: a copied profile, or a disk that went back. */
  readonly onOwnAhead: (kind: 'behind' | 'forked') => void;
  readonly loadDuties: LoadDuties;
};

const firstReceiptMs = 150;
const receiptRetryMs = 15_000;

/** The one neighbourhood this node is in, opened and closed as a whole: log, views, receipts, sync. */
export const createNeighbourhoodHolder = (deps: HolderDeps) => {
  const { crypto, clock, communityClock, random, store, links, tree } = deps;
  const changed = createSignal();
  let current: Neighbourhood | null = null;
  let refusals: () => ReadonlyMap<string, number> = () => new Map();
  let progress: () => SyncProgress | null = () => null;
  let closeCurrent: Stop = () => {};

  const open = async (community: Bytes): Promise<Neighbourhood> => {
    close();
    const { keys, device } = deps.device();
    const log = createEventLog({ crypto, clock: communityClock, random, store, community, signing: keys.signing });
    await log.load();
    const receipts = createReceiptBook({ crypto, clock: communityClock, store, log, signing: keys.signing });
    await receipts.load();
    const opened = createNeighbourhood({ crypto, clock: communityClock, device: keys, log, receipts });
    await opened.openKeys();
    const stops = createStops();
    const isMember = (id: string) => opened.membership().roleOf(id) !== null;
    const countDevices = createDeviceCount(opened.membership);
    const isLinkedToAll = (): boolean => links.all().length >= countDevices() - 1;
    const noteReceipt = (receipt: Bytes, from: string, isNews: boolean): void => {
      const device = deviceOfReceipt(receipt);
      const link = links.all().find(({ id }) => id === from);
      if (device === null || !link) return;
      // What comes beside the tree, in case it was lost there, is no reason to speak of the tree.
      if (isNews || tree.isEager(receiptsOf(device), link)) tree.heard(receiptsOf(device), link, isNews);
      if (isNews) sync.passReceipt(receipt, device, from);
    };
    const onReceipt = async (receipt: Bytes, from: string): Promise<void> => {
      const taken = await receipts.take(receipt);
      if (taken.ok && tree.isNeeded()) noteReceipt(receipt, from, taken.value);
      if (!taken.ok || !taken.value) return;
      opened.noteReceipt();
      if (tree.isNeeded()) return;
      // Whoever is linked to everybody knows that everybody hears of it without us.
      if (!isLinkedToAll()) sync.sendReceipt(receipt, (link) => link.id !== from, false);
    };
    const sync = createSync({
      onOwnAhead: deps.onOwnAhead,
      crypto,
      clock,
      random,
      log,
      links,
      isMember,
      shareOf: (author) => shareOf(opened.membership(), author, communityClock.now()),
      isLinkedToAll,
      tree,
      knownReceipts: receipts.all,
      onReceipt: (receipt, from) => void onReceipt(receipt, from),
    });

    let cancelReceipt: Stop | null = null;
    let lastReceiptAt = 0;
    let news = noNews();
    const sendReceiptSoon = (): void => {
      // The distance, not the difference: a clock that was put back must not hold receipts up until it has caught up.
      const intervalMs = Math.max(limits.receiptMinIntervalMs, countDevices() * limits.receiptPerDeviceMs);
      const pauseMs = Math.max(firstReceiptMs, intervalMs - Math.abs(clock.now() - lastReceiptAt));
      cancelReceipt ??= clock.after(pauseMs, () => {
        cancelReceipt = null;
        lastReceiptAt = clock.now();
        if (isMember(device)) void sendReceipt();
      });
    };
    const sendReceipt = async (): Promise<void> => {
      const receipt = await receipts.refreshOwn();
      if (current !== opened) return;
      if (receipt) {
        const { authors, sources } = news;
        news = noNews();
        // In a larger neighbourhood the author hears of a few at once, and of the others with the next signs of life.
        const isAtOnce = !tree.isNeeded() || randomInt(random, Math.max(1, links.all().length)) < limits.receiptsAtOnce;
        const isSource = (link: Link): boolean => !tree.isNeeded() && sources.has(link.id);
        const matters = (link: Link): boolean => authors.has(link.peer.device) || isSource(link);
        return sync.sendReceipt(receipt, (link) => isAtOnce && matters(link), true);
      }
      if (!receipts.hasNews()) return;
      // A full disk refuses receipts as it refuses events, and no further event may come to try again for.
      cancelReceipt ??= clock.after(receiptRetryMs, () => {
        cancelReceipt = null;
        sendReceiptSoon();
      });
    };
    stops.add(
      log.onStored(({ entries, source }) => {
        if (source === null) return;
        news.sources.add(source);
        for (const { event } of entries) news.authors.add(event.author);
        sendReceiptSoon();
      }),
    );
    stops.add(opened.onChange(changed.tell));
    stops.add(opened.close);
    stops.add(() => cancelReceipt?.());
    stops.add(() => void sync.stop());
    const expiry = createExpiry({
      clock: communityClock,
      log,
      removedIds: () => opened.room().removedIds,
      onExpired: opened.noteTime,
    });
    stops.add(() => void expiry.stop());
    await expiry.start();
    await sync.start();
    const barOf = (id: string, person: string) => opened.membership().barOf(id, person);
    stops.add(createBarredLinks({ clock, links, barOf, forget: sync.forget, onChange: opened.onChange }));
    const duties = createLateDuties({ ...deps, device: deps.device(), here: opened, load: deps.loadDuties });
    stops.add(() => void duties.stop());
    await duties.start();
    sendReceiptSoon();
    current = opened;
    refusals = sync.refusals;
    progress = sync.progress;
    closeCurrent = stops.run;
    changed.tell();
    return opened;
  };

  const close = (): void => {
    closeCurrent();
    closeCurrent = () => {};
    current = null;
    progress = () => null;
  };

  return {
    open,
    close: (): void => {
      close();
      changed.tell();
    },
    current: (): Neighbourhood | null => current,
    syncRefusals: () => refusals(),
    /** How far this device is with what its neighbours hold; null while nothing is being fetched. */
    syncProgress: () => progress(),
    onChange: changed.on,
  };
};
export type NeighbourhoodHolder = ReturnType<typeof createNeighbourhoodHolder>;

/** Whose events, and over which links, came since our last receipt: those it matters to at once. */
const noNews = (): { readonly authors: Set<string>; readonly sources: Set<string> } => ({
  authors: new Set(),
  sources: new Set(),
});
