import type { Box } from '../crypto/box.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Mailbox } from '../kernel/ports/mailbox.ts';
import { parseEventNow } from '../log/event.ts';
import type { EventLog } from '../log/event-log.ts';
import { placeKey } from '../log/receipts.ts';
import { parseBoxItem, type BoxedEvent, type Letter } from './box-item.ts';
import type { BoxLedger } from './box-ledger.ts';

/** A box at one relay. */
export type Shelf = {
  readonly mailbox: Mailbox;
  readonly communityKey: Bytes;
  readonly box: Box;
  readonly ledger: BoxLedger;
};

type Reading = Omit<Shelf, 'communityKey'>;

export type ReaderDeps = {
  readonly log: Pick<EventLog, 'receive' | 'byId' | 'own'>;
  /** A receipt of some device; judged as one from a neighbour. */
  takeReceipt(receipt: Bytes): Promise<void>;
  /** False when it could not be kept and has to be read again. */
  takeLetter(letter: Letter): Promise<boolean>;
  takeArrived(secret: Bytes): Promise<void>;
  onRefused(reason: string): void;
};

/** Where events of a box say they come from. */
export const boxSource = (url: string): string => `box ${url}`;
export const isBoxSource = (source: string | null): boolean => source?.startsWith('box ') ?? false;

/**
 * Reads on in a box, page by page. The cursor moves only behind what has been stored, so a full disk or a crash reads it again.
 * True when something of others was new.
 */
export const readShelf = async (deps: ReaderDeps, { mailbox, box, ledger }: Reading): Promise<boolean> => {
  let hasNews = false;
  for (let page = 0; page < limits.boxPagesPerLookMax; page++) {
    const taken = await mailbox.take(box.key, ledger.cursor());
    if (!taken.ok) {
      deps.onRefused(`box-take ${taken.error.reason}`);
      return hasNews;
    }
    const { items, cursor, hasMore } = taken.value;
    // A relay that lost its database has begun anew: what this device handed on lies there no more.
    if (ledger.cursor() !== '' && lifeOf(cursor) !== lifeOf(ledger.cursor())) ledger.restart();
    for (const item of items) {
      const read = await readItem(deps, { mailbox, box, ledger }, item);
      if (read === 'again') return hasNews;
      hasNews ||= read === 'news';
    }
    ledger.readTo(cursor);
    await ledger.save();
    if (!hasMore || items.length === 0) return hasNews;
  }
  return hasNews;
};

/** What stands before the dot of a cursor names the life of the relay's database; a relay that has none of it never begins anew. */
const lifeOf = (cursor: string): string => cursor.slice(0, Math.max(0, cursor.indexOf('.')));

const readItem = async (
  deps: ReaderDeps,
  { mailbox, box, ledger }: Reading,
  sealed: Uint8Array,
): Promise<'again' | 'news' | 'known'> => {
  const plain = await box.open(sealed);
  const item = plain && parseBoxItem(plain);
  if (!item) {
    deps.onRefused(plain ? 'box-item-malformed' : 'box-item-seal');
    return 'known';
  }
  const { events, receipts, letters, arrived } = item;
  let hasNews = false;
  if (events.length > 0) {
    const intake = await deps.log.receive(events, boxSource(mailbox.url));
    if (!intake.ok) {
      deps.onRefused(`box-store ${intake.error}`);
      return 'again';
    }
    for (const { reason } of intake.value.refused) deps.onRefused(reason);
    hasNews = intake.value.ready.some(({ event }) => event.author !== deps.log.own);
    noteEvents(deps.log, ledger, events);
  }
  for (const receipt of receipts) await deps.takeReceipt(receipt);
  for (const letter of letters) if (!(await deps.takeLetter(letter))) return 'again';
  for (const secret of arrived) await deps.takeArrived(secret);
  return hasNews ? 'news' : 'known';
};

/** Only what the log has taken counts as lying there, and nothing of our own: whoever forges a place must not keep ours out. */
const noteEvents = (log: Pick<EventLog, 'byId' | 'own'>, ledger: BoxLedger, events: readonly BoxedEvent[]): void => {
  for (const { envelope } of events) {
    const event = parseEventNow(envelope);
    if (!event.ok || event.value.author === log.own || !log.byId(event.value.id)) continue;
    ledger.note(placeKey(event.value.author, event.value.header.lane), event.value.header.seq + 1);
  }
};
