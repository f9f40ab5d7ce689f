import { failure, type Failure } from '../../src/lib/kernel/errors.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import type { Mailbox, Mailboxes } from '../../src/lib/kernel/ports/mailbox.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';

/** The boxes of one relay in this process, with its cursors: whoever loses them begins a new life. */
export const createMemoryRelay = (url: string) => {
  let life = 1;
  let items: { readonly box: string; readonly number: number; readonly item: Bytes }[] = [];
  let number = 0;
  let refusal: Failure | null = null;
  const mailbox: Mailbox = {
    url,
    put: async (box, item) => {
      if (refusal) return err(refusal);
      if (item.length > limits.mailItemBytesMax) return err(failure('too_large', 'bytes-too-large'));
      items.push({ box: bytesToText(box.id), number: ++number, item });
      return ok(null);
    },
    take: async (box, cursor) => {
      if (refusal) return err(refusal);
      const [of, after = '0'] = cursor.split('.');
      const from = of === `${life}` ? Number(after) : 0;
      const found = items.filter((each) => each.box === bytesToText(box.id) && each.number > from);
      const page = found.slice(0, limits.mailItemsPerTakeMax);
      return ok({
        items: page.map(({ item }) => item),
        cursor: `${life}.${page.at(-1)?.number ?? from}`,
        hasMore: found.length > page.length,
      });
    },
  };
  return {
    url,
    mailbox,
    /** Everything it keeps, as its owner could read it. */
    kept: (): readonly Bytes[] => items.map(({ item }) => item),
    boxes: (): ReadonlySet<string> => new Set(items.map(({ box }) => box)),
    /** Puts something into every box there is, as whoever runs the relay can. */
    slip: (item: Bytes): void => {
      for (const box of new Set(items.map((each) => each.box))) items.push({ box, number: ++number, item });
    },
    loseDatabase: (): void => {
      items = [];
      life += 1;
      number = 0;
    },
    refuseWith: (given: Failure | null): void => {
      refusal = given;
    },
  };
};
export type MemoryRelay = ReturnType<typeof createMemoryRelay>;

/** The relays one device can reach; `open` and `close` are the network's. */
export const createReach = (...relays: readonly MemoryRelay[]) => {
  const reached = new Set(relays);
  const listeners = new Set<(mailbox: Mailbox) => void>();
  const mailboxes: Mailboxes = {
    all: () => [...reached].map(({ mailbox }) => mailbox),
    onOpen: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return {
    mailboxes,
    open: (relay: MemoryRelay): void => {
      reached.add(relay);
      for (const listener of listeners) listener(relay.mailbox);
    },
    close: (relay: MemoryRelay): void => void reached.delete(relay),
  };
};
