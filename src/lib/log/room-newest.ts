import { areBytesEqual, textToBytes } from '../kernel/ids.ts';
import { authorityLane } from './event.ts';
import { compareEntries, readEffect, type ReadEffect } from './effect.ts';
import type { EventLog } from './event-log.ts';
import type { Entry } from './lanes.ts';
import type { Membership } from './membership.ts';
import { readMessage, type RoomMessage } from './room.ts';

type RoomLog = Pick<EventLog, 'heads' | 'slice' | 'hlcs' | 'search'>;
type Found = { readonly entry: Entry; readonly message: RoomMessage };

/**
 * The last `most` messages of the room, the very same ones that a whole fold ends with, but with only the newest payloads
 * decoded: lanes are merged from their ends. Whether a message repeats an older one is asked of the older payloads' bytes,
 * and only those that hold its clientId are decoded.
 */
export const foldNewest = (
  log: RoomLog,
  membership: Membership,
  most: number,
  read: ReadEffect = readEffect,
): RoomMessage[] => {
  const entries = newestFirst(log);
  const kept: Found[] = [];
  for (;;) {
    const before = kept.length;
    while (kept.length < most) {
      const { value: entry, done } = entries.next();
      if (done) break;
      const message = readMessage(entry, log, membership, read);
      if (typeof message !== 'string') kept.push({ entry, message });
    }
    if (kept.length === before) break;
    dropRepeats(kept, log, membership, read);
    if (kept.length >= most) break;
  }
  return kept.map(({ message }) => message).toReversed();
};

/** Every entry outside of the authority lane, last of the view order first; one lane's stretch at a time. */
const newestFirst = function* (log: RoomLog): Generator<Entry, undefined> {
  const cursors = log
    .heads()
    .filter(({ lane }) => lane !== authorityLane)
    .map(({ author, lane, next }) => createCursor(log, author, lane, next));
  for (;;) {
    let newest: { readonly entry: Entry; readonly take: () => void } | null = null;
    for (const { peek, take } of cursors) {
      const entry = peek();
      if (entry && (newest === null || compareEntries(entry, newest.entry) > 0)) newest = { entry, take };
    }
    if (newest === null) return;
    newest.take();
    yield newest.entry;
  }
};

/** From the end of a lane to its beginning. A lane whose hlc went back somewhere is sorted: its order is not that of the view. */
const createCursor = (log: RoomLog, author: string, lane: number, next: number) => {
  const hlcs = log.hlcs(author, lane);
  const isRising = hlcs.every((hlc, seq) => seq === 0 || hlc > (hlcs[seq - 1] ?? 0));
  const order = isRising ? null : [...hlcs.keys()].sort((a, b) => (hlcs[a] ?? 0) - (hlcs[b] ?? 0) || a - b);
  let left = next;
  let current: Entry | undefined;
  return {
    peek: (): Entry | undefined =>
      left === 0 ? undefined : (current ??= log.slice(author, lane, order?.[left - 1] ?? left - 1, 1)[0]),
    take: (): void => {
      left -= 1;
      current = undefined;
    },
  };
};

/** Takes out what repeats an older message of the same device, whether that one is among the kept ones or before them. */
const dropRepeats = (kept: Found[], log: RoomLog, membership: Membership, read: ReadEffect): void => {
  const oldest = kept.at(-1)?.entry;
  if (!oldest) return;
  const firstByKey = new Map(kept.map((found) => [keyOf(found.message), found]));
  const repeated = new Set<string>();
  const searches = new Map<string, readonly Uint8Array[]>();
  for (const device of new Set(kept.map(({ message }) => message.device))) {
    searches.set(
      device,
      [...firstByKey.values()].flatMap(({ message }) =>
        message.device === device ? (textToBytes(message.clientId) ?? []) : [],
      ),
    );
  }
  for (const [device, clientIds] of searches) {
    const mayHold = createByteSearch(clientIds);
    for (const { author, lane } of log.heads()) {
      if (author !== device || lane === authorityLane) continue;
      for (const entry of log.search(author, lane, mayHold)) {
        if (!entry.payload || !mayHold(entry.payload) || compareEntries(entry, oldest) >= 0) continue;
        const message = readMessage(entry, log, membership, read);
        if (typeof message !== 'string') repeated.add(keyOf(message));
      }
    }
  }
  const stays = (found: Found): boolean =>
    firstByKey.get(keyOf(found.message)) === found && !repeated.has(keyOf(found.message));
  kept.splice(0, kept.length, ...kept.filter(stays));
};

const keyOf = ({ device, clientId }: RoomMessage): string => `${device} ${clientId}`;

/** Whether some bytes hold one of the needles anywhere. One pass, with a table of their first two bytes. */
const createByteSearch = (needles: readonly Uint8Array[]) => {
  const byStart = new Map<number, Uint8Array[]>();
  const starts = new Uint8Array(0x10000);
  for (const needle of needles) {
    const start = ((needle[0] ?? 0) << 8) | (needle[1] ?? 0);
    starts[start] = 1;
    byStart.set(start, [...(byStart.get(start) ?? []), needle]);
  }
  return (bytes: Uint8Array): boolean => {
    let start = bytes[0] ?? 0;
    for (let at = 1; at < bytes.length; at++) {
      start = ((start << 8) | (bytes[at] ?? 0)) & 0xffff;
      if (
        starts[start] === 1 &&
        byStart.get(start)?.some((needle) => areBytesEqual(needle, bytes.subarray(at - 1, at - 1 + needle.length)))
      )
        return true;
    }
    return false;
  };
};
