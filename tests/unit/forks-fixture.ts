import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import type { Event } from '../../src/lib/log/event.ts';
import type { EventLog } from '../../src/lib/log/event-log.ts';
import type { Incoming } from '../../src/lib/log/intake.ts';
import { nextDigest } from '../../src/lib/log/lanes.ts';
import { kinds } from '../../src/lib/log/kinds.ts';
import type { MemoryDisk } from '../../src/lib/stores/memory-store.ts';
import { forgeEvent, hashOf, payloadOf, todayLane, todayMs, type Person } from './street-fixture.ts';

export type Signed = Event & { readonly payload: Bytes };

export const asIncoming = (events: readonly { envelope: Uint8Array; payload: Uint8Array | null }[]): Incoming[] =>
  events.map(({ envelope, payload }) => ({ envelope, payload }));

/** A message of somebody's at a place of the month, told apart by `text`. */
export const sayAt = (owner: Person, community: Bytes, seq: number, text: string, hlc = hlcFromMs(todayMs) + seq) =>
  forgeEvent(
    owner.keys.signing,
    { community, lane: todayLane, seq, hlc },
    payloadOf('chat.message', { to: 'everyone', text, clientId: hashOf(text).slice(0, 16) }),
  );

/** An authority event of somebody's that names these prefixes: a new name for themselves, told apart by `personName`. */
export const pinAt = (
  owner: Person,
  community: Bytes,
  seq: number,
  auth: readonly Bytes[],
  personName = owner.name,
  hlc = hlcFromMs(todayMs + 60_000) + seq,
) =>
  forgeEvent(
    owner.keys.signing,
    { community, lane: 0, seq, hlc, kind: kinds['person.profile'].number },
    payloadOf('person.profile', { auth: [...auth], personName }),
  );

/** Somebody lets somebody in, at a place of their authority lane. */
export const admitAt = (
  owner: Person,
  community: Bytes,
  seq: number,
  newcomer: Person,
  hlc = hlcFromMs(todayMs) + seq,
) =>
  forgeEvent(
    owner.keys.signing,
    { community, lane: 0, seq, hlc, kind: kinds['community.admit'].number },
    payloadOf('community.admit', {
      auth: [],
      certificate: newcomer.certificate.bytes,
      personName: newcomer.name,
      inviteHash: hashOf(`invite of ${newcomer.name}`),
      epoch: new Uint8Array(16),
      sealedKey: new Uint8Array(0),
    }),
  );

/** D(n) of a run of events from seq 0. */
export const digestOf = (events: readonly { readonly id: string }[]): Bytes =>
  events.reduce<Bytes>((digest, { id }) => nextDigest(digest, id), new Uint8Array(32));

/** What a log holds, lane by lane, envelope by envelope, and what it says of forks: the same for the same events and proofs. */
export const imageOf = (log: EventLog) => ({
  lanes: log
    .heads()
    .map(({ author, lane, next }) => [
      `${author} ${lane}`,
      ...log.slice(author, lane, 0, next).map(({ event }) => bytesToText(event.envelope)),
    ])
    .toSorted((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1)),
  forks: log
    .forks()
    .map(({ device, lane, seq, first, second, standsUpTo }) => ({
      place: `${device} ${lane} ${seq}`,
      twins: [first.id, second.id],
      standsUpTo,
      frozenSince: log.frozenSince(device),
    }))
    .toSorted((a, b) => (a.place < b.place ? -1 : 1)),
});

/** The same as the disk has it. */
export const diskOf = ({ events, kv }: MemoryDisk) => ({
  lanes: [...events.values()]
    .map(({ author, lane, seq, envelope }) => `${author} ${lane} ${seq} ${bytesToText(envelope)}`)
    .toSorted(),
  proofs: [...kv]
    .flatMap(([key, value]) =>
      key.startsWith('fork/') && value instanceof Uint8Array ? [`${key} ${bytesToText(value)}`] : [],
    )
    .toSorted(),
});
