import { failure } from '../kernel/errors.ts';
import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { BoxKey, Mailbox, Mailboxes } from '../kernel/ports/mailbox.ts';
import { err, ok } from '../kernel/result.ts';
import type { MemoryWorld } from './memory-faults.ts';

/** The one relay of a memory network, as one device sees it. */
export type MemoryMail = {
  readonly mailboxes: Mailboxes;
  /** The relay can be reached, or no longer. */ changed(): void;
};
export type MemoryBoxes = Map<
  string,
  { readonly n: number; readonly item: Uint8Array<ArrayBuffer>; readonly until: number }[]
>;

const url = 'memory:';

/** Boxes that outlive every device, while the server can be reached; who puts or takes is believed to hold the key. */
export const createMemoryMail = (world: MemoryWorld, boxes: MemoryBoxes): MemoryMail => {
  const listeners = new Set<(mailbox: Mailbox) => void>();
  const isUp = (): boolean => !world.faults().isSignallingDown;
  const lost = err(failure('unavailable', 'relay-lost'));
  const itemsOf = (box: BoxKey) => {
    const id = bytesToText(box.id);
    const items = (boxes.get(id) ?? []).filter(({ until }) => until > world.clock.now());
    boxes.set(id, items);
    return items;
  };
  const mailbox: Mailbox = {
    url,
    put: async (box, item, keepMs) => {
      if (!isUp()) return lost;
      const items = itemsOf(box);
      items.push({ n: (items.at(-1)?.n ?? 0) + 1, item: item.slice(), until: world.clock.now() + keepMs });
      return ok(null);
    },
    take: async (box, cursor) => {
      if (!isUp()) return lost;
      const rest = itemsOf(box).filter(({ n }) => n > Number(cursor));
      const page = rest.slice(0, limits.mailItemsPerTakeMax);
      return ok({
        items: page.map(({ item }) => item.slice()),
        cursor: String(page.at(-1)?.n ?? (cursor === '' ? 0 : cursor)),
        hasMore: rest.length > page.length,
      });
    },
  };
  return {
    mailboxes: {
      all: () => (isUp() ? [mailbox] : []),
      onOpen: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    changed: () => {
      if (isUp()) for (const listener of [...listeners]) listener(mailbox);
    },
  };
};
