import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { createEventLog } from '../../src/lib/log/event-log.ts';
import type { ClientOf } from '../../src/lib/log/collisions.ts';
import type { OwnAhead } from '../../src/lib/replica/own-watch.ts';
import { createSync } from '../../src/lib/replica/sync.ts';
import { createMemoryDisk, createMemoryStore, type MemoryDisk } from '../../src/lib/stores/memory-store.ts';
import type { VirtualClock } from '../contracts/transport-world.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { carry, createFakeLink, createFakeLinks, settle } from '../unit/link-fixture.ts';
import { everythingOf, platformCrypto, type Person, type Street } from '../unit/street-fixture.ts';

export type House = Awaited<ReturnType<typeof openHouse>>;

/** A device with log and sync and no views: everybody is a member to it. */
export const openHouse = async (
  street: Pick<Street, 'community' | 'clock'>,
  owner: Person,
  place: { readonly disk?: MemoryDisk; readonly clock?: VirtualClock; readonly clientOf?: ClientOf } = {},
) => {
  const { disk = createMemoryDisk(), clock = street.clock } = place;
  const store = createMemoryStore({ disk });
  const log = createEventLog({
    crypto: platformCrypto,
    clock,
    random: seededRandom(`house of ${owner.name}`),
    store,
    community: street.community,
    signing: owner.keys.signing,
    ...(place.clientOf ? { clientOf: place.clientOf } : {}),
  });
  await log.load();
  const links = createFakeLinks();
  const ahead: OwnAhead[] = [];
  const sync = createSync({
    crypto: platformCrypto,
    clock,
    random: seededRandom(`sync of ${owner.name}`),
    log,
    links,
    isLinkedToAll: () => false,
    isMember: () => true,
    onReceipt: () => undefined,
    knownReceipts: (): Bytes[] => [],
    onOwnAhead: (kind) => void ahead.push(kind),
  });
  await sync.start();
  return { owner, log, disk, clock, links, sync, ahead };
};

/** The whole log of the founder, as a new neighbour gets it. */
export const moveInto = async (street: Street, house: House): Promise<House> => {
  await house.log.receive(everythingOf(street.founder.log), 'moving');
  return house;
};

/** Links two houses, lets them say all they have to say over some minutes, and hands back the ends of the link. */
export const meet = async (a: House, b: House, minutes = 2) => {
  const ends = [
    createFakeLink(b.owner.device, b.owner.person),
    createFakeLink(a.owner.device, a.owner.person),
  ] as const;
  a.links.up(ends[0]);
  b.links.up(ends[1]);
  const talk = async (forMinutes: number): Promise<void> => {
    for (let turn = 0; turn < forMinutes * 4; turn++) {
      await carry(...ends);
      for (const clock of new Set([a.clock, b.clock])) clock.advance(15_000);
      await settle();
    }
    await carry(...ends);
    await Promise.all([a.log.settled(), b.log.settled()]);
  };
  await talk(minutes);
  const part = (): void => {
    a.links.down(ends[0]);
    b.links.down(ends[1]);
  };
  return { ends, talk, part };
};

export const ownWaitMs = limits.ownComparisonMs;
