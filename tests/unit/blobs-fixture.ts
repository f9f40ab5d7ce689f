import { createBlobExchange } from '../../src/lib/blobs/exchange.ts';
import type { Holding } from '../../src/lib/blobs/chunk-plan.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import type { BlobExchange, Blobs } from '../../src/lib/kernel/ports/blobs.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import type { Link } from '../../src/lib/kernel/ports/links.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createLink, type LiveLink } from '../../src/lib/mesh/link.ts';
import { createMemoryBlobFiles, type MemoryBlobFiles } from '../../src/lib/stores/memory-blobs.ts';
import { createMemoryDisk, createMemoryStore, type MemoryDisk } from '../../src/lib/stores/memory-store.ts';
import { createMemoryNetwork } from '../../src/lib/transports/memory.ts';
import type { MemoryFaults } from '../../src/lib/transports/memory-faults.ts';
import { openMemoryBlobs } from '../support/memory-blobs.ts';
import { createNodeCrypto } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createVirtualClock, settle, type VirtualClock } from '../support/virtual-clock.ts';
import { createFakeLinks } from './link-fixture.ts';

/** What stays of a house when its tab is closed. */
export type HouseDisk = { readonly files: MemoryBlobFiles; readonly disk: MemoryDisk };

export type House = {
  readonly name: string;
  readonly device: string;
  readonly blobs: Blobs;
  readonly exchange: BlobExchange;
  readonly kept: HouseDisk;
  readonly refusals: ReadonlyMap<string, number>;
  links(): readonly Link[];
  /** The tab is closed without a word. */
  crash(): void;
};

export type HouseOptions = {
  readonly kept?: HouseDisk;
  /** What this house really gives out: a liar changes chunks, a slow one takes its time. */
  readonly serves?: (blobs: Blobs) => Blobs;
  readonly quotaBytes?: () => number;
  /** What it says it has, instead of the truth. */
  readonly says?: (cid: string) => Holding | null;
  readonly isMember?: (device: string) => boolean;
};

/**
 * Houses on the memory network with real carriers and real links, one exchange each, on one virtual clock. Only Hello is left
 * out: a link's peer is who the network says, and everybody is a member unless said otherwise.
 */
export const createBlobStreet = (faults: Partial<MemoryFaults> = {}) => {
  const clock = createVirtualClock(1_800_000_000_000);
  const random = seededRandom('street of blobs');
  const network = createMemoryNetwork({ clock, random, faults });
  const crypto = createNodeCrypto(random);
  const houses = new Map<string, House & { readonly says: (cid: string) => Holding | null }>();
  const deviceOf = (name: string): string => bytesToText(seededRandom(`device ${name}`).bytes(32));

  const open = async (name: string, options: HouseOptions = {}): Promise<House> => {
    const kept = options.kept ?? { files: createMemoryBlobFiles(), disk: createMemoryDisk() };
    const own = seededRandom(`house ${name} ${houses.size}`);
    const { quotaBytes } = options;
    const blobs = await openMemoryBlobs({
      crypto,
      clock,
      random: own,
      files: kept.files,
      ...(quotaBytes ? { quotaBytes } : {}),
    });
    const links = createFakeLinks();
    const refusals = new Map<string, number>();
    const device = deviceOf(name);
    const exchange = createBlobExchange({
      clock,
      random: own,
      store: createMemoryStore({ disk: kept.disk }),
      links,
      blobs: options.serves?.(blobs) ?? blobs,
      isMember: options.isMember ?? (() => true),
      neighbours: () => links.all().map(({ peer }) => peer.device),
      onNeighbours: links.onUp,
      askHave: async (asked, cids) => {
        const says = houses.get(asked)?.says;
        return says && links.of(asked) ? cids.map(says) : null;
      },
      onRefused: (reason) => void refusals.set(reason, (refusals.get(reason) ?? 0) + 1),
    });
    await exchange.start();
    const transport = network.transport(name);
    transport.meet({
      tag: 'street',
      key: new Uint8Array(32),
      selfId: device,
      wants: () => true,
      onCarrier: (carrier, participant) => {
        const link: LiveLink = createLink({
          clock,
          carrier,
          id: `${name} to ${participant} ${clock.now()}`,
          peer: { device: participant, person: participant, name: participant, build: 'test' },
          onDown: (gone, reason) => {
            if (links.of(participant) === gone) links.down(gone, reason);
          },
        });
        carrier.listen({ message: link.receive, drain: link.drain, closed: link.lost });
        links.up(link);
      },
    });
    const truth = (cid: string): Holding | null => {
      const view = blobs.view(cid);
      if (!view?.isShared) return null;
      return view.have === view.total ? 'all' : blobs.bitmap(cid);
    };
    const house = {
      name,
      device,
      blobs,
      exchange,
      kept,
      refusals,
      links: links.all,
      crash: () => {
        network.crash(name);
        houses.delete(device);
        exchange.stop();
      },
      says: options.says ?? truth,
    };
    houses.set(device, house);
    return house;
  };

  return { clock, crypto, network, open, deviceOf, run: (ms: number) => runFor(clock, ms), until: untilOn(clock) };
};
export type BlobStreet = ReturnType<typeof createBlobStreet>;

const runFor = async (clock: VirtualClock, ms: number): Promise<void> => {
  const end = clock.now() + ms;
  await settle();
  while (clock.fireNext(end)) await settle();
};

/** Lets time pass until it is so; throws when it never is within the given time. */
const untilOn =
  (clock: VirtualClock) =>
  async (what: string, check: () => boolean, withinMs = 600_000): Promise<void> => {
    const end = clock.now() + withinMs;
    for (await settle(); !check(); await settle()) if (!clock.fireNext(end)) throw new Error(`never: ${what}`);
  };

export const sourceOf = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
};

/** Puts the same bytes at each house; resolves with their cid. */
export const putAt = async (bytes: Bytes, ...houses: readonly House[]): Promise<string> => {
  let cid = '';
  for (const { blobs } of houses)
    ({ cid } = unwrap(
      await blobs.put(sourceOf(bytes), { mediaType: 'application/pdf', isShared: true, holder: 'shelf' }),
    ));
  return cid;
};
