import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { verifyReceipt } from '../../src/lib/log/receipts.ts';
import { clientOf, encodeRuns, rootName, type Run } from '../../src/lib/replica/canonical.ts';
import { encodeFrame } from '../../src/lib/replica/frames.ts';
import { createSync } from '../../src/lib/replica/sync.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { carry, createFakeLink, createFakeLinks, settle, type FakeLink } from '../unit/link-fixture.ts';
import { idsOf, makePerson, makeStreet, platformCrypto, say, todayLane, type Person, type Street } from '../unit/street-fixture.ts';

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
    isMember: (device) => house.here.membership().roleOf(device) !== null,
    onReceipt: (receipt) => void house.receipts.take(receipt),
    knownReceipts: house.receipts.all,
  });
  await sync.start();
  links.up(link);
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
  const before = { ids: idsOf(at.log), stored: at.disk.events.size, payloads: at.disk.payloads.size };
  /** WebCrypto works on threads of its own, so "done" can only be seen by nothing changing any more. */
  const quiet = async (): Promise<void> => {
    const look = () => JSON.stringify([at.log.size, at.log.waitingCounts(), [...at.sync.refusals()], at.link.sent.length]);
    for (let same = 0, last = ''; same < 4; ) {
      await settle(5);
      await new Promise((resolve) => setTimeout(resolve, 1));
      await at.log.settled();
      same = look() === last ? same + 1 : 0;
      last = look();
    }
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
    gained: () => ({
      ids: idsOf(at.log).filter((id) => !before.ids.includes(id)).length,
      stored: at.disk.events.size - before.stored,
      payloads: at.disk.payloads.size - before.payloads,
    }),
    /** After an attack: an honest neighbour on the very same link still gets everything across, both ways. */
    stillWorks: async (): Promise<boolean> => {
      const other = await moveIn(street, mallory, anna);
      await say(other.log, 'an honest word of mallory');
      await say(at.log, 'an honest word of anna');
      await carryBoth(at.link, other.link, at, other);
      await quiet();
      other.sync.stop();
      return JSON.stringify(idsOf(other.log)) === JSON.stringify(idsOf(at.log)) && at.log.missingPayloads(1).length === 0;
    },
  };
};

const carryBoth = async (a: FakeLink, b: FakeLink, ...houses: readonly Pick<House, 'clock' | 'log'>[]): Promise<void> => {
  for (let turn = 0; turn < 4; turn++) {
    await carry(a, b);
    // Whoever claimed to hold what he does not is told everything again by anti-entropy.
    for (const clock of new Set(houses.map(({ clock }) => clock))) clock.advance(15_000);
    await settle();
  }
};

export const runOf = async (author: Person, envelopes: readonly Uint8Array[], over: Partial<Run> = {}, lane = todayLane): Promise<Run> => ({
  author: author.device,
  client: await clientOf(platformCrypto, author.device, lane),
  start: 0,
  envelopes,
  ...over,
});

export const updateOf = (...runs: Run[]): Uint8Array => encodeRuns(runs);
export const nothing = { ids: 0, stored: 0, payloads: 0 };
export { rootName, verifyReceipt };
