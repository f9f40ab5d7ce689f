import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import type { Keyring } from '../../src/lib/kernel/ports/crypto.ts';
import type { Random } from '../../src/lib/kernel/ports/random.ts';
import type { Store } from '../../src/lib/kernel/ports/store.ts';
import type { Carrier, Transport } from '../../src/lib/kernel/ports/transport.ts';
import { createNode, type HearthNode } from '../../src/lib/node/create-node.ts';
import { createDocumentRoom } from '../../src/lib/replica/documents/document-room.ts';
import { createSearchRoom } from '../../src/lib/search/search-room.ts';
import { loadStemmer } from '../../src/lib/search/stemmers.ts';
import {
  createMemoryDisk,
  createMemoryStore,
  isSimulatedCrash,
  type MemoryDisk,
  type MemoryStore,
  type StoreFault,
} from '../../src/lib/stores/memory-store.ts';
import type { MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createSeededKeyring } from '../support/node-crypto.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createDeviceClock, type DeviceClock, type VirtualClock } from '../support/virtual-clock.ts';
import { copyOf, putBack, type DiskCopy } from './disk.ts';
import { createSimCrypto, type Verdicts } from './sim-crypto.ts';
import type { Trace } from './trace.ts';
import { openMemoryBlobs } from '../support/memory-blobs.ts';

/** Stands between a node and its carriers: what an adversary adds to its own traffic. */
export type WrapCarrier = (carrier: Carrier, random: Random) => Carrier;

export type DeviceDeps = {
  readonly seed: number;
  readonly name: string;
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly trace: Trace;
  readonly verdicts: Verdicts;
  readonly wrapCarrier?: WrapCarrier;
};

/** One person's device over all its starts and crashes: the disk, the keys and the clock stay, the node comes and goes. */
export type SimDevice = {
  readonly name: string;
  /** The key it signs with now; another one after it has given up the last. */
  readonly id: string;
  /** Every key it has ever had. */
  readonly ids: ReadonlySet<string>;
  readonly disk: MemoryDisk;
  readonly clock: () => DeviceClock;
  /** null while it is down. */
  node(): HearthNode | null;
  /** Resolves when the node that runs now has gone without a word. */
  gone(): Promise<void>;
  isStarting(): boolean;
  start(): Promise<void>;
  /** Ends at once, as when the process is killed: what was committed stays on the disk. */
  kill(): void;
  stop(): Promise<void>;
  /** What lies on the disk now, keys and all; `putBack` makes the disk so again, while the device is down. */
  copyDisk(): DiskCopy;
  putBack(copy: DiskCopy): void;
  /** The node meets this fault at the n-th commit from now on; null takes it away. */
  failAt(fault: { readonly commits: number; readonly fault: StoreFault } | null): void;
  setQuotaFull(isFull: boolean): void;
  crashes(): number;
  /** Carriers it took and has not closed or lost. */
  openCarriers(): number;
};

const build = 'sim';

export const createDevice = async (deps: DeviceDeps): Promise<SimDevice> => {
  const { seed, name, network, trace } = deps;
  const disk = createMemoryDisk();
  const keySeed = new TextEncoder().encode(`${seed} ${name}`);
  let id = await deviceIdOf(createSeededKeyring(keySeed));
  const ids = new Set([id]);
  let clock = createDeviceClock(deps.clock);
  let node: HearthNode | null = null;
  let planned: { commits: number; fault: StoreFault } | null = null;
  let isQuotaFull = false;
  let starts = 0;
  let isStarting = false;
  let isStopped = false;
  const openCarriers = new Set<Carrier>();
  let crashes = 0;
  let tellGone = (): void => {};
  let gone: Promise<void> = Promise.resolve();

  const end = (how: string): void => {
    trace.note(`${name} ${how}`);
    crashes += 1;
    const { skewMs } = clock;
    clock.end();
    clock = createDeviceClock(deps.clock, skewMs());
    network.crash(name);
    openCarriers.clear();
    node = null;
    tellGone();
  };

  const beforeCommit = (): StoreFault | null => {
    if (isQuotaFull) return 'quota-full';
    if (planned === null) return null;
    planned.commits -= 1;
    if (planned.commits > 0) return null;
    const { fault } = planned;
    planned = null;
    return fault;
  };

  const start = async (): Promise<void> => {
    starts += 1;
    isStarting = true;
    const run = starts;
    const random = seededRandom(`${seed} ${name} ${run}`);
    let isOver = false;
    gone = new Promise((resolve) => {
      tellGone = () => {
        isOver = true;
        resolve();
      };
    });
    const store = mortalStore(createMemoryStore({ disk, beforeCommit }), trace, name, () => end('crashed'));
    const keyring = createSeededKeyring(keySeed, { store, random });
    id = await deviceIdOf(keyring);
    ids.add(id);
    const begun = (async () => {
      const crypto = createSimCrypto(random, deps.verdicts);
      const made = await createNode({
        crypto,
        blobs: async () => ok(await openMemoryBlobs({ crypto, clock, random })),
        keyring,
        clock,
        random,
        store,
        transport: watchedTransport(network.transport(name), {
          trace,
          name,
          openCarriers,
          wrap: (carrier) => deps.wrapCarrier?.(carrier, random) ?? carrier,
        }),
        search: createSearchRoom({ loadStemmer, now: () => 0 }),
        documents: createDocumentRoom(),
        fetchStatic: async (path) => (path === 'library/index.json' ? new TextEncoder().encode('{"guides":[]}') : null),
        build,
        defaultSignalUrl: 'memory:',
        isStoragePersisted: async () => false,
        restart: () => {
          if (isOver || isStopped) return;
          end('starts as another device');
          void start();
        },
      });
      await made.start();
      if (!isOver) node = made;
    })();
    await Promise.race([begun, gone]);
    isStarting = false;
  };

  return {
    name,
    get id() {
      return id;
    },
    ids,
    disk,
    clock: () => clock,
    node: () => node,
    gone: () => gone,
    isStarting: () => isStarting,
    start,
    kill: () => {
      if (node) end('was killed');
    },
    stop: async () => {
      isStopped = true;
      await node?.stop();
      node = null;
    },
    copyDisk: () => copyOf(disk),
    putBack: (copy) => putBack(disk, copy),
    failAt: (fault) => {
      planned = fault && { ...fault };
    },
    setQuotaFull: (isFull) => {
      isQuotaFull = isFull;
    },
    crashes: () => crashes,
    openCarriers: () => openCarriers.size,
  };
};

const deviceIdOf = async (keyring: Pick<Keyring, 'open'>): Promise<string> =>
  bytesToText((await keyring.open()).device.signing.publicKey);

/** After a crash nothing of the node may run on, so what it waits for never comes. */
const mortalStore = (inner: MemoryStore, trace: Trace, name: string, onCrash: () => void): Store => {
  let isDead = false;
  const never = new Promise<never>(() => {});
  const mortal = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isDead) return never;
    try {
      return await work();
    } catch (error) {
      if (!isSimulatedCrash(error)) throw error;
      if (!isDead) {
        isDead = true;
        onCrash();
      }
      return never;
    }
  };
  const commit: Store['commit'] = (batch, durability) =>
    mortal(async () => {
      const committed = await inner.commit(batch, durability);
      const facts = [
        ...(batch.events ?? []).map(({ id }) => id),
        ...(batch.payloads ?? []).map(({ id }) => `+${id}`),
        ...(batch.kv ?? []).map(({ key }) => key),
      ];
      trace.note(`${name} ${durability} ${committed.ok ? 'ok' : committed.error} ${facts.join(' ')}`);
      return committed;
    });
  return new Proxy<Store>(inner, {
    get: (target, verb) => {
      if (verb === 'commit') return commit;
      const act: unknown = Reflect.get(target, verb);
      if (typeof act !== 'function' || verb === 'close') return act;
      return (...args: unknown[]) => mortal(async () => Reflect.apply(act, target, args));
    },
  });
};

type Watch = {
  readonly trace: Trace;
  readonly name: string;
  readonly openCarriers: Set<Carrier>;
  readonly wrap: (carrier: Carrier) => Carrier;
};

/** Every message that reaches the node goes into the trace. */
const watchedTransport = (inner: Transport, watch: Watch): Transport => ({
  ...inner,
  meet: (place) =>
    inner.meet({
      ...place,
      onCarrier: (carrier, participant) => {
        watch.trace.note(`${watch.name} carrier to ${participant}`);
        watch.openCarriers.add(carrier);
        place.onCarrier(watch.wrap(watchedCarrier(carrier, watch)), participant);
      },
    }),
});

const watchedCarrier = (inner: Carrier, { trace, name, openCarriers }: Watch): Carrier => ({
  ...inner,
  listen: (handlers) =>
    inner.listen({
      ...handlers,
      message: (channel, message) => {
        trace.note(`${name} hears ${channel}`, message);
        handlers.message(channel, message);
      },
      closed: (reason) => {
        trace.note(`${name} lost a carrier: ${reason}`);
        openCarriers.delete(inner);
        handlers.closed(reason);
      },
    }),
});
