import { hlcToMs } from '../kernel/hlc.ts';
import { bytesToText } from '../kernel/ids.ts';
import { authorityLane } from './event.ts';
import { compareEntries, readEffect, type ReadEffect, type VoidReason } from './effect.ts';
import type { EventLog } from './event-log.ts';
import type { Entry } from './lanes.ts';
import type { Membership } from './membership.ts';

/** One message of the room "Everyone here", as every node folds it. `lane` and `seq` are its place for receipts. */
export type RoomMessage = {
  readonly eventId: string;
  readonly device: string;
  readonly lane: number;
  readonly seq: number;
  readonly text: string;
  readonly clientId: string;
  readonly atMs: number;
};

/** Folds the messages of all members in view order. A repeated clientId of one device is the same message: the first counts. */
export const foldRoom = (
  log: Pick<EventLog, 'all' | 'slice'>,
  membership: Membership,
  read: ReadEffect = readEffect,
): { readonly messages: readonly RoomMessage[]; readonly voidById: ReadonlyMap<string, VoidReason> } => {
  const voidById = new Map<string, VoidReason>();
  const seen = new Set<string>();
  const messages: RoomMessage[] = [];
  const entries = [...log.all()].filter(({ event }) => event.header.lane !== authorityLane).toSorted(compareEntries);
  for (const entry of entries) {
    const message = readMessage(entry, log, membership, read);
    if (typeof message === 'string') {
      voidById.set(entry.event.id, message);
      continue;
    }
    const key = `${message.device} ${message.clientId}`;
    if (seen.has(key)) continue;
    seen.add(key);
    messages.push(message);
  }
  return { messages, voidById };
};

const readMessage = (
  entry: Entry,
  log: Pick<EventLog, 'all' | 'slice'>,
  membership: Membership,
  read: ReadEffect,
): RoomMessage | VoidReason => {
  const { event } = entry;
  const { lane, seq, hlc } = event.header;
  const effect = read(entry, seq === 0 ? undefined : log.slice(event.author, lane, seq - 1, 1)[0]);
  if (typeof effect === 'string') return effect;
  if (effect.kind !== 'chat.message') return 'kind-lane';
  if (membership.roleOf(event.author) === null) return 'author-not-member';
  return {
    eventId: event.id,
    device: event.author,
    lane,
    seq,
    text: effect.body.text,
    clientId: bytesToText(effect.body.clientId),
    atMs: hlcToMs(hlc),
  };
};
