import { expect } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { clientOf } from '../../src/lib/log/collisions.ts';
import { encodeRuns, type Run } from '../../src/lib/replica/canonical.ts';
import { encodeFrame } from '../../src/lib/replica/frames.ts';
import { createSync } from '../../src/lib/replica/sync.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { carry, createFakeLink, createFakeLinks, settle, type FakeLink } from '../unit/link-fixture.ts';
import {
  countStored,
  idsOf,
  makePerson,
  makeStreet,
  platformCrypto,
  say,
  todayLane,
  type Person,
  type Street,
} from '../unit/street-fixture.ts';

type House = Awaited<ReturnType<Street['move']>>;

/** A house with its sync running on one link. */
const moveIn = async (street: Street, owner: Person, neighbour: Person) => {
  const house = await street.move(owner);
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
  links.up(link);
  // Nobody speaks at the other end yet: own words wait for its heads no longer than this.
  house.clock.advance(limits.ownComparisonMs);
  return { ...house, link, sync, links };
};

/**
 * Anna, who is attacked over one link by whoever sits at its other end, and what she holds before. `mallory` is a member;
 * `guest` makes the link one to somebody who is none.
 */
export const attackedHouse = async ({ isGuest = false } = {}) => {
  const street = await makeStreet('anna', 'bora', 'mallory');
  const [anna, bora, member] = street.people;
  const mallory = isGuest ? await makePerson('stranger at the door') : member;
  if (!anna || !bora || !mallory) throw new Error('nobody lives here');
  const atBora = await street.move(bora);
  const spoken = await say(atBora.log, "Bora's first words");
  const at = await moveIn(street, anna, mallory);
  if (!spoken.ok) throw new Error(spoken.error);
  await at.log.receive([{ envelope: spoken.value.event.envelope, payload: spoken.value.payload }], 'bora');
  await settle();
  let lastVisitor: House | null = null;
  const before = { ids: idsOf(at.log), ...countStored(at.disk) };
  const quiet = async (): Promise<void> => {
    await settle();
    await at.log.settled();
    await settle();
  };
  return {
    ...at,
    quiet,
    street,
    anna,
    bora,
    mallory,
    atBora,
    /** The frame arrives, and everything it sets off is done. */
    attack: async (frame: Uint8Array): Promise<void> => {
      at.link.hear('sync', frame);
      await quiet();
    },
    sendUpdate: async (update: Uint8Array, lane = todayLane): Promise<void> => {
      at.link.hear('sync', encodeFrame({ type: 'update', lane, update: update as Bytes, isLast: false }));
      await quiet();
    },
    refusals: (): string[] => [...at.sync.refusals().keys()],
    /** What is new in the log or on the disk since before the attack. */
    gained: () => {
      const now = countStored(at.disk);
      return {
        ids: idsOf(at.log).filter((id) => !before.ids.includes(id)).length,
        stored: now.stored - before.stored,
        payloads: now.payloads - before.payloads,
      };
    },
    /** Whoever came last to see whether it still works. */
    visitor: () => lastVisitor,
    /** After an attack: an honest neighbour on the very same link still gets everything across, both ways. */
    stillWorks: async (): Promise<boolean> => {
      const other = await moveIn(street, mallory, anna);
      await say(other.log, 'an honest word of mallory');
      await say(at.log, 'an honest word of anna');
      await carryBoth(at.link, other.link, at, other);
      await quiet();
      other.sync.stop();
      lastVisitor = other;
      return JSON.stringify(idsOf(other.log)) === JSON.stringify(idsOf(at.log));
    },
  };
};

const carryBoth = async (
  a: FakeLink,
  b: FakeLink,
  ...houses: readonly Pick<House, 'clock' | 'log'>[]
): Promise<void> => {
  const isDone = () => new Set(houses.map(({ log }) => `${log.size} ${log.missingPayloads(999).length}`)).size === 1;
  for (let turn = 0; turn < 4 || (turn < 40 && !isDone()); turn++) {
    await carry(a, b);
    // Whoever claimed to hold what he does not is told everything again by anti-entropy.
    for (const clock of new Set(houses.map(({ clock }) => clock))) clock.advance(15_000);
    await settle();
  }
};

export const runOf = async (
  author: Person,
  envelopes: readonly Uint8Array[],
  over: Partial<Run> = {},
  lane = todayLane,
): Promise<Run> => ({
  author: author.device,
  client: clientOf(author.device, lane),
  start: 0,
  envelopes,
  ...over,
});

export const updateOf = (...runs: Run[]): Uint8Array => encodeRuns(runs);
export const nothing = { ids: 0, stored: 0, payloads: 0 };

/** Nothing was stored, the reason was counted, and the same link still carries honest sync. */
export const expectHeld = async (house: Awaited<ReturnType<typeof attackedHouse>>, reason: string): Promise<void> => {
  expect(house.refusals()).toContain(reason);
  expect(house.gained()).toEqual(nothing);
  expect(house.link.closedWith()).toBeNull();
  expect(await house.stillWorks()).toBe(true);
};
