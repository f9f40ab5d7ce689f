import { hlcFromMs } from '../../src/lib/kernel/hlc.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import type { Event } from '../../src/lib/log/event.ts';
import { parseFrame, type SyncFrame } from '../../src/lib/replica/frames.ts';
import { createSync } from '../../src/lib/replica/sync.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createFakeLink, createFakeLinks } from './link-fixture.ts';
import {
  forgeEvent,
  hashOf,
  makeStreet,
  payloadOf,
  platformCrypto,
  todayMs,
  type LogPlace,
  type Person,
  type Street,
} from './street-fixture.ts';

export type Written = Event & { readonly payload: Uint8Array<ArrayBuffer> };

export const messagePayload = (text: string, id = text) =>
  payloadOf('chat.message', { to: 'everyone', text, clientId: hashOf(id).slice(0, 16) });

/** `count` messages by these people in turn, one after the other: "word 0", "word 1" and so on. */
export const writeWords = async (
  community: Street['community'],
  people: readonly Person[],
  count: number,
  at: { readonly hlc?: number; readonly lane?: number } = {},
): Promise<Written[]> => {
  const { hlc = hlcFromMs(todayMs), lane } = at;
  const words = Array.from({ length: count }, (_, index) => {
    const person = people[index % people.length];
    if (!person) throw new Error('nobody writes');
    const seq = Math.floor(index / people.length);
    const place = { community, seq, hlc: hlc + index, ...(lane === undefined ? {} : { lane }) };
    return forgeEvent(person.keys.signing, place, messagePayload(`word ${index}`));
  });
  return Promise.all(words);
};

export const asIncoming = (events: readonly Written[]) =>
  events.map(({ envelope, payload }) => ({ envelope, payload }));

/** A house with its sync running on one link, to `neighbour`. */
export const moveIn = async (street: Street, owner: Person, neighbour: Person, place: LogPlace = {}) => {
  const house = await street.move(owner, place);
  const links = createFakeLinks();
  const link = createFakeLink(neighbour.device, neighbour.person);
  const sync = createSync({
    crypto: platformCrypto,
    clock: house.clock,
    random: seededRandom(`sync of ${owner.name}`),
    log: house.log,
    links,
    isLinkedToAll: () => false,
    isMember: (device) => house.here.membership().roleOf(device) !== null,
    onReceipt: (receipt) => void house.receipts.take(receipt),
    knownReceipts: house.receipts.all,
  });
  await sync.start();
  return { ...house, link, links, sync, texts: (most = 30) => house.here.newest(most).map(({ text }) => text) };
};

/** Anna holds `count` messages of herself, chen and dora; bora is a member whose device has heard none of them. */
export const annaAndNewcomer = async (count: number) => {
  const street = await makeStreet('anna', 'bora', 'chen', 'dora');
  const [anna, bora, chen, dora] = street.people;
  if (!anna || !bora || !chen || !dora) throw new Error('nobody lives here');
  const words = await writeWords(street.community, [anna, chen, dora], count);
  const atAnna = await moveIn(street, anna, bora);
  unwrap(await atAnna.log.receive(asIncoming(words), 'earlier'));
  const atBora = await moveIn(street, bora, anna);
  return { street, anna, bora, chen, dora, words, atAnna, atBora };
};

/** The link between two houses comes up. Nobody waits for the first neighbour's word on own events. */
export const meet = (...houses: readonly Awaited<ReturnType<typeof moveIn>>[]): void => {
  for (const { links, link } of houses) links.up(link);
  for (const clock of new Set(houses.map(({ clock }) => clock))) clock.advance(limits.ownComparisonMs);
};

export const framesOf = (frames: readonly { readonly frame: Uint8Array }[]): SyncFrame[] =>
  frames.map(({ frame }) => unwrap(parseFrame(frame)));
