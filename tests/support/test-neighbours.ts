import { createHash } from 'node:crypto';
import { ok } from '../../src/lib/kernel/result.ts';
import { readFileSync } from 'node:fs';
import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import type { PairingPort } from '../../src/lib/kernel/ports/pairing.ts';
import type { Random } from '../../src/lib/kernel/ports/random.ts';
import { createNode, type HearthNode } from '../../src/lib/node/create-node.ts';
import type { LateParts } from '../../src/lib/node/late-parts.ts';
import { createDocumentRoom } from '../../src/lib/replica/documents/document-room.ts';
import { createSearchRoom } from '../../src/lib/search/search-room.ts';
import { loadStemmer } from '../../src/lib/search/stemmers.ts';
import {
  createMemoryDisk,
  createMemoryStore,
  type MemoryDisk,
  type MemoryStoreOptions,
} from '../../src/lib/stores/memory-store.ts';
import type { MemoryBlobFiles } from '../../src/lib/stores/memory-blobs.ts';
import type { Transport } from '../../src/lib/kernel/ports/transport.ts';
import type { MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { openMemoryBlobs } from './memory-blobs.ts';
import { createNodeCrypto, createSeededKeyring } from './node-crypto.ts';

export const realClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** A stream of bytes that is the same for the same seed (SHA-256 in counter mode). */
export const seededRandom = (seed: string): Random => {
  let counter = 0;
  let pool = new Uint8Array(0);
  return {
    bytes: (length) => {
      while (pool.length < length) {
        const block = createHash('sha256').update(`${seed} ${counter++}`).digest();
        const grown = new Uint8Array(pool.length + block.length);
        grown.set(pool);
        grown.set(block, pool.length);
        pool = grown;
      }
      const taken = pool.slice(0, length);
      pool = pool.slice(length);
      return taken;
    },
  };
};

export type TestNodeOptions = {
  readonly name: string;
  /** What the keys of the first start are made from; the name when absent. */
  readonly seed?: string;
  readonly network: MemoryNetwork;
  /** Instead of the network's. */
  readonly transport?: Transport;
  readonly defaultSignalUrl?: string;
  /** The phone's own way to one that is near (memory-pairing.ts); none when absent. */
  readonly pairing?: PairingPort;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly disk?: MemoryDisk;
  readonly beforeCommit?: MemoryStoreOptions['beforeCommit'];
  readonly verdicts?: Map<string, boolean>;
  /** Called when the node has changed who it is. */
  readonly restart?: () => void;
  /** Real starter guides take a while to index; most tests want none. */
  readonly withStarter?: boolean;
  /** What the node loads when it needs it; this build's own when absent. */
  readonly parts?: LateParts;
  readonly blobs?: { readonly files?: MemoryBlobFiles; readonly quotaBytes?: () => number };
};

/** A whole node, real but for its network, disk and keys: what runs in a tab, in this process. */
export const createTestNode = async (options: TestNodeOptions): Promise<HearthNode & { disk: MemoryDisk }> => {
  const { name, network, clock = realClock, random = seededRandom(name), disk = createMemoryDisk(), pairing } = options;
  const store = createMemoryStore({ disk, ...(options.beforeCommit ? { beforeCommit: options.beforeCommit } : {}) });
  const crypto = createNodeCrypto(random, options.verdicts);
  const node = await createNode({
    crypto,
    blobs: async () => ok(await openMemoryBlobs({ crypto, clock, random, ...options.blobs })),
    keyring: createSeededKeyring(new TextEncoder().encode(options.seed ?? name), { store, random }),
    clock,
    random,
    store,
    transport: options.transport ?? network.transport(name),
    search: createSearchRoom({ loadStemmer, now: () => 0 }),
    documents: createDocumentRoom(),
    fetchStatic: async (path) =>
      options.withStarter
        ? readStatic(path)
        : path === 'library/index.json'
          ? new TextEncoder().encode('{"guides":[]}')
          : null,
    build: 'test',
    defaultSignalUrl: options.defaultSignalUrl ?? 'memory:',
    isStoragePersisted: async () => false,
    scryptLog2: 15,
    ...(pairing ? { pairing: async () => ok(pairing) } : {}),
    ...(options.restart ? { restart: options.restart } : {}),
    ...(options.parts ? { parts: options.parts } : {}),
  });
  await node.start();
  return { ...node, disk };
};

const readStatic = (path: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`../../static/${path}`, import.meta.url)));
