import { ok } from '../../src/lib/kernel/result.ts';
import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { createWebCrypto } from '../../src/lib/crypto/webcrypto.ts';
import type { Bus } from '../../src/lib/kernel/bus/bus.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import { bytesToText, utf8 } from '../../src/lib/kernel/ids.ts';
import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import type { EventLog } from '../../src/lib/log/event-log.ts';
import { parseEvent, verifyEvent } from '../../src/lib/log/event.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createNode } from '../../src/lib/node/create-node.ts';
import { createDocumentRoom } from '../../src/lib/replica/documents/document-room.ts';
import { createSearchRoom } from '../../src/lib/search/search-room.ts';
import { loadStemmer } from '../../src/lib/search/stemmers.ts';
import { createMemoryStore } from '../../src/lib/stores/memory-store.ts';
import { createSeededKeyring } from '../support/node-crypto.ts';
import { realClock, seededRandom } from '../support/test-neighbours.ts';
import { rounded, waitUntil } from './samples.ts';
import { openMemoryBlobs } from '../support/memory-blobs.ts';

const limitMs = 90_000;

/** A busy machine lets a due time pass before its timer is set; Node would warn of each. */
const clock: Clock = { ...realClock, after: (delayMs, run) => realClock.after(Math.max(1, delayMs), run) };

/** Two whole nodes, real but for network, disk and keyring, with the device's own clock and real Ed25519. */
export const measureNodes = async () => {
  const large = await lateJoin(80, 3_900);
  const many = await lateJoin(10_000, small);
  const live = await liveSync(10_000, small);
  return {
    late300kBOk: large.ms !== null && large.bytes >= 300_000,
    late300kBMs: large.ms,
    lateJoin10kMs: many.ms,
    sync10kMs: live.ms,
    verify10kMs: many.verifyMs,
  };
};

/** Of the text; with its salt, its names and its ids the payload of such an event has 100 bytes. */
const small = 38;

/** Writes `text` chars in each of `count` messages, straight to the log: the room's view is not what is measured here. */
const write = async (log: EventLog, count: number, chars: number): Promise<number> => {
  let bytes = 0;
  for (let at = 0; at < count; at++) {
    const text = `${at} `.padEnd(chars, 'abcdefgh ijklmnop ');
    const clientId = crypto.getRandomValues(new Uint8Array(16));
    const appended = await log.append('chat.message', { to: 'everyone', text, clientId });
    if (!appended.ok) throw new Error(`append: ${appended.error}`);
    bytes += appended.value.event.header.payloadSize;
  }
  if (chars === small && bytes !== count * 100) throw new Error(`the payloads are ${bytes / count} bytes, not 100`);
  return bytes;
};

/** From the admission of a newcomer to the moment their log is the same as the inviter's, digest by digest. */
const lateJoin = async (count: number, chars: number) => {
  const pair = await openPair();
  const bytes = await write(logOf(pair.anna), count, chars);
  const admit = await knock(pair.anna, pair.bora);
  const start = performance.now();
  await admit();
  const took = await waitUntil(() => isSameLog(pair.anna, pair.bora), limitMs);
  const ms = took === null ? null : rounded(performance.now() - start);
  const verifyMs = await timeVerification(logOf(pair.anna));
  await pair.close();
  return { ms, bytes, verifyMs };
};

/** From the first of `count` appends to the moment the linked neighbour holds them all. */
const liveSync = async (count: number, chars: number) => {
  const pair = await openPair();
  await (
    await knock(pair.anna, pair.bora)
  )();
  if ((await waitUntil(() => isSameLog(pair.anna, pair.bora), limitMs)) === null) throw new Error('bora never came in');
  const start = performance.now();
  await write(logOf(pair.anna), count, chars);
  const took = await waitUntil(() => isSameLog(pair.anna, pair.bora), limitMs);
  const ms = took === null ? null : rounded(performance.now() - start);
  await pair.close();
  return { ms };
};

const openPair = async () => {
  const network = createMemoryNetwork({ clock, random: seededRandom('bench') });
  const anna = await openNode('anna', network);
  const bora = await openNode('bora', network);
  await found(anna, 'Anna');
  return { anna, bora, close: async () => void (await Promise.all([anna.stop(), bora.stop()])) };
};

/** Runs on the platform's WebCrypto through the app's own port, as in a tab. */
const openNode = async (name: string, network: MemoryNetwork): Promise<HearthNode> => {
  const random = seededRandom(name);
  const crypto = createWebCrypto();
  const node = await createNode({
    crypto,
    blobs: async () => ok(await openMemoryBlobs({ crypto, clock, random })),
    keyring: createSeededKeyring(utf8(name)),
    clock,
    random,
    store: createMemoryStore(),
    transport: network.transport(name),
    search: createSearchRoom({ loadStemmer, now: () => 0 }),
    documents: createDocumentRoom(),
    fetchStatic: async (path) => (path === 'library/index.json' ? utf8('{"guides":[]}') : null),
    build: 'bench',
    defaultSignalUrl: 'memory:',
    isStoragePersisted: async () => false,
  });
  await node.start();
  return node;
};

export const found = async (node: HearthNode, name: string): Promise<void> => {
  const founded = await node.bus.call(communityFound, { name, communityName: 'Lindenstrasse' });
  if (!founded.ok) throw new Error(`found: ${founded.error.reason}`);
};

/** Bora stands at anna's door; the returned function lets him in. `pause` lets time pass between two looks. */
export const knock = async (anna: HearthNode, bora: HearthNode, name = 'Bora', pause = pauseReally) => {
  const invite = await anna.bus.call(communityInvite, { onPaper: false });
  if (!invite.ok) throw new Error(`invite: ${invite.error.reason}`);
  const joined = await bora.bus.call(communityJoin, { invite: invite.value.output.code, name });
  if (!joined.ok) throw new Error(`join: ${joined.error.reason}`);
  for (let look = 0; look < 2_000; look++) {
    const { waiting } = await firstOf(anna.bus, communityMembers, {});
    const [door] = waiting;
    if (door) {
      return async (): Promise<void> => {
        const admitted = await anna.bus.call(communityAdmit, { request: door.request, accept: true });
        if (!admitted.ok) throw new Error(`admit: ${admitted.error.reason}`);
      };
    }
    await pause();
  }
  throw new Error('nobody came to the door');
};

const pauseReally = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

/** The snapshot a live view begins with. */
const firstOf = async <I, O, S>(bus: Bus, capability: Capability<I, O, S>, input: I): Promise<S> => {
  for await (const snapshot of bus.stream(capability, input)) return snapshot;
  throw new Error(`${capability.name} ended without a snapshot`);
};

export const logOf = (node: HearthNode): EventLog => {
  const here = node.current();
  if (!here) throw new Error('this node is in no neighbourhood');
  return here.log;
};

/** Same places, same digests over all ids, every payload there. The digest of a place is a hash chain of its event ids. */
export const isSameLog = (a: HearthNode, b: HearthNode): boolean => {
  const [one, other] = [a.current()?.log, b.current()?.log];
  if (!one || !other || one.size !== other.size) return false;
  return other.missingPayloads(1).length === 0 && describeHeads(one) === describeHeads(other);
};

const describeHeads = (log: EventLog): string =>
  log
    .heads()
    .map(({ author, lane, next, digest }) => `${author} ${lane} ${next} ${bytesToText(digest)}`)
    .sort()
    .join('\n');

/** The floor under every way to bring these events over: parsing and verifying them, one after the other. */
const timeVerification = async (log: EventLog): Promise<number> => {
  const webCrypto = createWebCrypto();
  const envelopes = [...log.all()].map(({ event }) => event.envelope);
  const start = performance.now();
  for (const envelope of envelopes) {
    const parsed = await parseEvent(webCrypto, envelope);
    if (!parsed.ok || !(await verifyEvent(webCrypto, parsed.value)).ok) throw new Error('an own event does not verify');
  }
  return rounded(performance.now() - start);
};
