import { encodeCbor } from '../../src/lib/kernel/codec.ts';
import { hlcEpochMs, hlcFromMs, hlcMonth } from '../../src/lib/kernel/hlc.ts';
import { bytesToText, textToBytes } from '../../src/lib/kernel/ids.ts';
import type { Role } from '../../src/lib/kernel/bus/capability.ts';
import { monthLane } from '../../src/lib/log/event.ts';
import { kinds, type KindName, type Payload } from '../../src/lib/log/kinds.ts';
import { createLanes, type Entry } from '../../src/lib/log/lanes.ts';
import type { RoomPeople } from '../../src/lib/log/room-rules.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { hashOf, payloadOf, todayMs } from './street-fixture.ts';

/** A device is named by a word; two words of one person begin alike ("anna", "anna-tablet"). */
export const deviceOf = (word: string): string => bytesToText(hashOf(word));

/**
 * A log in memory whose events nobody signed, for rules that ask only what is stored. Thousands are made in no time. `withoutPayload`:
 * the payload is not here.
 */
export const createPaperLog = () => {
  const lanes = createLanes(seededRandom('lanes'));
  const write = (
    word: string,
    payload: Uint8Array<ArrayBuffer>,
    at: { kind: number; atMs?: number; expiresMs?: number; withoutPayload?: boolean },
  ): Entry => {
    const hlc = hlcFromMs(at.atMs ?? todayMs);
    const author = deviceOf(word);
    const lane = monthLane(hlcMonth(hlc));
    const seq = lanes.next(author, lane);
    const header = {
      community: new Uint8Array(16),
      author: textToBytes(author) ?? new Uint8Array(32),
      lane,
      seq,
      hlc,
      kind: at.kind,
      expires: at.expiresMs === undefined ? 0 : (at.expiresMs - hlcEpochMs) / 1000,
      payloadHash: new Uint8Array(32),
      payloadSize: payload.length,
    };
    const { community, kind, expires, payloadHash, payloadSize } = header;
    const signed = encodeCbor([1, community, header.author, [lane, seq], hlc, kind, expires, payloadHash, payloadSize]);
    const entry: Entry = {
      event: {
        header,
        id: bytesToText(hashOf(`${author} ${lane} ${seq}`)),
        author,
        envelope: encodeCbor([signed, new Uint8Array(64)]),
      },
      payload: at.withoutPayload ? null : payload,
    };
    lanes.push(entry);
    return entry;
  };
  const writeKind = <K extends KindName>(
    word: string,
    kind: K,
    body: Payload<K>,
    at: Omit<Parameters<typeof write>[2], 'kind'>,
  ) => write(word, payloadOf(kind, body), { ...at, kind: kinds[kind].number });
  return {
    /** What the room asks of a log; nobody is frozen. */
    lanes: { ...lanes, frozenSince: () => null, isBelowPin: () => false, isCollided: () => false },
    say: (word: string, text: string, at: Omit<Parameters<typeof write>[2], 'kind'> & { clientId?: string } = {}) =>
      writeKind(word, 'chat.message', { to: 'everyone', text, clientId: hashOf(at.clientId ?? text).slice(0, 16) }, at),
    takeBack: (word: string, target: Pick<Entry, 'event'>, at: Omit<Parameters<typeof write>[2], 'kind'> = {}) =>
      writeKind(word, 'chat.remove', { target: textToBytes(target.event.id) ?? new Uint8Array(32) }, at),
    write,
  };
};

/** Members by device word; the person is the word up to its dash. */
export const peopleOf = (
  rolesByWord: Readonly<Record<string, Role>>,
  more: Partial<Pick<RoomPeople, 'cutOf'>> = {},
): RoomPeople => {
  const words = new Map(Object.keys(rolesByWord).map((word) => [deviceOf(word), word]));
  return {
    roleOf: (device) => rolesByWord[words.get(device) ?? ''] ?? null,
    personOf: (device) => words.get(device)?.split('-')[0] ?? null,
    cutOf: () => null,
    ...more,
  };
};
