import { afterEach, describe, expect, it } from 'vitest';
import {
  blobsCancel,
  blobsFetch,
  blobsHave,
  blobsList,
  blobsPin,
  blobsPut,
  blobsRead,
  blobsRemove,
  blobsUnpin,
} from '../../src/lib/contracts/blobs.ts';
import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { meshPeers } from '../../src/lib/contracts/mesh.ts';
import { nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import type { Bus } from '../../src/lib/kernel/bus/bus.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import { concatBytes } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryNetwork } from '../../src/lib/transports/memory.ts';
import { areSame, bytesOf } from '../contracts/blobs-place.ts';
import { createTestNode, realClock, seededRandom } from '../support/test-neighbours.ts';

const chunk = limits.blobChunkBytes;
const running: HearthNode[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
});

const start = async (
  name: string,
  network = createMemoryNetwork({ clock: realClock, random: seededRandom('net') }),
) => {
  const node = await createTestNode({ name, network });
  running.push(node);
  return node;
};
const until = async <I, O, S>(
  bus: Bus,
  capability: Capability<I, O, S>,
  input: I,
  fits: (snapshot: S) => boolean,
): Promise<S> => {
  for await (const snapshot of bus.stream(capability, input)) if (fits(snapshot)) return snapshot;
  throw new Error('the view ended');
};
const annaAndBora = async () => {
  const network = createMemoryNetwork({ clock: realClock, random: seededRandom('network') });
  const anna = await start('anna', network);
  const bora = await start('bora', network);
  unwrap(await anna.bus.call(communityFound, { name: 'Anna', communityName: 'Lindenstrasse' }));
  const invite = unwrap(await anna.bus.call(communityInvite, { onPaper: false })).output.code;
  unwrap(await bora.bus.call(communityJoin, { invite, name: 'Bora' }));
  const door = await until(anna.bus, communityMembers, {}, ({ waiting }) => waiting.length === 1);
  unwrap(await anna.bus.call(communityAdmit, { request: door.waiting[0]?.request ?? '', accept: true }));
  await until(bora.bus, nodeInfoCapability, {}, ({ membership }) => membership === 'member');
  return { anna, bora };
};
const put = async ({ bus }: HearthNode, bytes: Uint8Array<ArrayBuffer>, wish = {}) => {
  const data = new Blob([bytes], { type: 'text/plain;charset=utf-8' });
  const base = { data, mediaType: '', isShared: true, isSealed: false, isPinned: false };
  return unwrap(await bus.call(blobsPut, { ...base, ...wish })).output;
};
const read = async ({ bus }: HearthNode, input: { cid: string; from?: number; length?: number; key?: string }) => {
  const parts: Uint8Array[] = [];
  const wish = { from: 0, length: Number.MAX_SAFE_INTEGER, ...input };
  const items = bus.stream(blobsRead, wish);
  for (;;) {
    const step = await items.next();
    if (step.done) return { bytes: concatBytes(...parts), reply: step.value };
    parts.push(step.value.bytes);
  }
};

describe('blobs on the bus', () => {
  it('anna puts a file in; bora, who knows its cid, fetches it from her and reads it', async () => {
    const { anna, bora } = await annaAndBora();
    const bytes = bytesOf(3 * chunk + 5);
    const { cid } = await put(anna, bytes);
    const fetched = await bora.bus.call(blobsFetch, { cid, isPinned: true });
    expect(unwrap(fetched).output).toMatchObject({ state: 'complete', have: 4, total: 4, size: bytes.length });
    const got = await read(bora, { cid });
    expect(areSame(got.bytes, bytes)).toBe(true);
    expect(unwrap(got.reply).output).toEqual({ size: bytes.length, mediaType: 'text/plain' });
    expect(
      areSame((await read(bora, { cid, from: chunk - 3, length: 6 })).bytes, bytes.subarray(chunk - 3, chunk + 3)),
    ).toBe(true);
    const list = await until(bora.bus, blobsList, { most: 10 }, ({ blobs }) => blobs.length === 1);
    expect(list.blobs[0]).toMatchObject({ cid, isPinned: true, isShared: true, isWanted: false, have: 4 });
    expect(list.usedBytes).toBeGreaterThan(bytes.length);
  });

  it('a sealed blob travels as ciphertext; bora reads it with the key and nothing without it', async () => {
    const { anna, bora } = await annaAndBora();
    const bytes = bytesOf(chunk + 5, 2);
    const { cid, key } = await put(anna, bytes, { isSealed: true });
    unwrap(await bora.bus.call(blobsFetch, { cid, isPinned: false }));
    expect(areSame((await read(bora, { cid, key: key ?? '' })).bytes, bytes)).toBe(true);
    expect(areSame((await read(bora, { cid })).bytes.subarray(0, 100), bytes.subarray(0, 100))).toBe(false);
    expect((await read(bora, { cid, key: 'A'.repeat(43) })).reply).toMatchObject({ error: { reason: 'wrong-key' } });
  });

  it("what anna keeps to herself looks to bora as if it were not there, and he can't fetch it", async () => {
    const { anna, bora } = await annaAndBora();
    const { cid } = await put(anna, bytesOf(10), { isShared: false });
    const { cid: shown } = await put(anna, bytesOf(20));
    const { device } = await until(anna.bus, nodeInfoCapability, {}, () => true);
    await until(bora.bus, meshPeers, {}, ({ neighbours }) => neighbours.some(({ offers }) => offers.length > 0));
    const answer = await bora.bus.call(blobsHave, { cids: [cid, shown, 'A'.repeat(43)] }, { device });
    expect(unwrap(answer).output.have.map(({ has }) => has)).toEqual(['none', 'all', 'none']);
  });

  it('a fetch that nobody can serve is cancelled, and removing a blob ends its fetch', async () => {
    const anna = await start('anna');
    const cid = 'A'.repeat(43);
    const seen = await until(anna.bus, blobsFetch, { cid, isPinned: false }, () => true);
    expect(seen.state).toBe('searching');
    unwrap(await anna.bus.call(blobsCancel, { cid }));
    const again = anna.bus.call(blobsFetch, { cid, isPinned: false });
    await until(anna.bus, blobsFetch, { cid, isPinned: false }, ({ state }) => state === 'searching');
    expect(await anna.bus.call(blobsRemove, { cid })).toMatchObject({ error: { code: 'not_found' } });
    expect(await again).toMatchObject({ error: { code: 'cancelled' } });
  });

  it('pins, unpins and removes; a second removal finds nothing', async () => {
    const anna = await start('anna');
    const { cid } = await put(anna, bytesOf(10));
    unwrap(await anna.bus.call(blobsPin, { cid }));
    expect((await until(anna.bus, blobsList, { most: 9 }, () => true)).evictableBytes).toBe(0);
    unwrap(await anna.bus.call(blobsUnpin, { cid }));
    expect((await until(anna.bus, blobsList, { most: 9 }, () => true)).evictableBytes).toBeGreaterThan(0);
    unwrap(await anna.bus.call(blobsRemove, { cid }));
    expect(await anna.bus.call(blobsRemove, { cid })).toMatchObject({
      error: { code: 'not_found', reason: 'unknown-blob' },
    });
  });

  it('a neighbour may ask what is here, and nothing else', async () => {
    const anna = await start('anna');
    for (const capability of [blobsPut, blobsRead, blobsList, blobsPin, blobsRemove, blobsFetch, blobsCancel])
      expect(capability.policy).toBe('self');
    expect([blobsHave.policy, blobsHave.routable]).toEqual(['member', true]);
    expect(anna.bus.registry.localOffers().some(({ name }) => name === 'blobs.have')).toBe(true);
  });
});
