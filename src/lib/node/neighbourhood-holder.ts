import type { Stop } from '../kernel/lifecycle.ts';
import { createStops } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Links } from '../kernel/ports/links.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { Store } from '../kernel/ports/store.ts';
import { createSignal } from '../kernel/watch.ts';
import { createEventLog } from '../log/event-log.ts';
import { createExpiry } from '../log/expiry.ts';
import { createNeighbourhood, type Neighbourhood } from '../log/neighbourhood.ts';
import { createReceiptBook } from '../log/receipt-book.ts';
import { createSync, type SyncProgress } from '../replica/sync.ts';
import { createBarredLinks } from './barred-links.ts';
import type { Device } from './device.ts';
import { createDuties } from './duties.ts';

export type HolderDeps = {
  readonly crypto: CryptoPort;
  /** The device's own clock, for intervals. */
  readonly clock: Clock;
  /** What is signed says the community's time. */
  readonly communityClock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly links: Links;
  readonly device: () => Device;
  /** Somebody else signs with this device's key, or has: a copied profile, or a disk that went back. */
  readonly onOwnAhead: (kind: 'behind' | 'forked') => void;
};

const firstReceiptMs = 150;
const receiptRetryMs = 15_000;

/** The one neighbourhood this node is in, opened and closed as a whole: log, views, receipts, sync. */
export const createNeighbourhoodHolder = (deps: HolderDeps) => {
  const { crypto, clock, communityClock, random, store, links } = deps;
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
    const isLinkedToAll = (): boolean => {
      const devices = [...opened.membership().members.values()].reduce(
        (total, member) => total + member.devices.length,
        0,
      );
      return links.all().length >= devices - 1;
    };
    const onReceipt = async (receipt: Bytes, from: string): Promise<void> => {
      const taken = await receipts.take(receipt);
      if (!taken.ok || !taken.value) return;
      opened.noteReceipt();
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
      isLinkedToAll,
      knownReceipts: receipts.all,
      onReceipt: (receipt, from) => void onReceipt(receipt, from),
    });

    let cancelReceipt: Stop | null = null;
    let lastReceiptAt = 0;
    let news = noNews();
    const sendReceiptSoon = (): void => {
      // The distance, not the difference: a clock that was put back must not hold receipts up until it has caught up.
      const pauseMs = Math.max(firstReceiptMs, limits.receiptMinIntervalMs - Math.abs(clock.now() - lastReceiptAt));
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
        return sync.sendReceipt(receipt, (link) => authors.has(link.peer.device) || sources.has(link.id), true);
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
    const duties = createDuties({ crypto, random, clock, communityClock, device: deps.device(), here: opened });
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
