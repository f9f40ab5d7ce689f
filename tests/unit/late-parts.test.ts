import { afterEach, describe, expect, it } from 'vitest';
import { communityFound } from '../../src/lib/contracts/community.ts';
import {
  devicesCard,
  devicesExport,
  devicesImport,
  devicesList,
  devicesRestore,
  devicesTestCard,
} from '../../src/lib/contracts/devices.ts';
import { nodeInfoCapability, nodeMetrics, nodeSelfTest } from '../../src/lib/contracts/node.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { lateParts, type LateParts } from '../../src/lib/node/late-parts.ts';
import { loadPart } from '../../src/lib/node/load-part.ts';
import { createTestNode } from '../support/test-neighbours.ts';
import { newNetwork } from './devices-fixture.ts';

/** What Chromium rejects an import() with whose file it cannot get. */
const lost = () => Promise.reject(new TypeError('Failed to fetch dynamically imported module'));

let node: HearthNode | null = null;
afterEach(async () => {
  await node?.stop();
  node = null;
});

/** Anna's node, whose late parts cannot be had until `find()`. */
const annaWithoutParts = async () => {
  let isFound = false;
  const unless = <K extends keyof LateParts>(name: K): LateParts[K] =>
    (() => (isFound ? lateParts[name]() : loadPart(lost))) as LateParts[K];
  const parts: LateParts = {
    recovery: unless('recovery'),
    duties: lateParts.duties,
    export: unless('export'),
    selfTest: unless('selfTest'),
    callInputs: unless('callInputs'),
    figuresView: unless('figuresView'),
    readingRooms: unless('readingRooms'),
    meshRooms: unless('meshRooms'),
    libraryRoom: unless('libraryRoom'),
    peopleRoom: lateParts.peopleRoom,
    tokenRoom: unless('tokenRoom'),
    pairingRoom: unless('pairingRoom'),
    overlay: unless('overlay'),
    mailOffice: unless('mailOffice'),
    blobServices: unless('blobServices'),
  };
  const anna = await createTestNode({ name: 'anna', network: newNetwork(), parts });
  node = anna;
  const refusal = async <I, O, S>(capability: Capability<I, O, S>, input: I) => {
    const reply = await anna.bus.call(capability, input);
    return reply.ok ? 'it was not refused' : `${reply.error.code} ${reply.error.reason}`;
  };
  const read = async <I, O, S>(capability: Capability<I, O, S>, input: I): Promise<S | undefined> => {
    for await (const state of anna.bus.stream(capability, input)) return state;
  };
  return { anna, refusal, read, find: () => void (isFound = true) };
};

describe('a part of the app that cannot be loaded', () => {
  it('is told to anna as such, at each thing that needs it, and nothing of hers has changed', async () => {
    const { anna, refusal, read } = await annaWithoutParts();
    await anna.bus.call(communityFound, { name: 'Anna', communityName: 'Lindenstrasse' });
    const before = await read(nodeInfoCapability, {});
    expect([
      await refusal(devicesCard, {}),
      await refusal(devicesTestCard, { words: [{ position: 0, word: 'abandon' }] }),
      await refusal(devicesExport, {}),
      await refusal(devicesImport, { file: new Uint8Array(8) }),
      await refusal(nodeSelfTest, {}),
      await refusal(nodeMetrics, { live: false }),
    ]).toEqual(Array.from({ length: 6 }, () => 'unavailable not-loaded'));
    expect(await read(devicesList, {})).toMatchObject({ cardShownAt: null, cardTestedAt: null });
    expect(await read(nodeInfoCapability, {})).toEqual(before);
  });

  it('does not make a blank device somebody else: the card is read before anything is kept', async () => {
    const { refusal, read } = await annaWithoutParts();
    const { name, person } = (await read(nodeInfoCapability, {})) ?? {};
    expect(await refusal(devicesRestore, { words: 'abandon '.repeat(12), name: 'Anna' })).toBe(
      'unavailable not-loaded',
    );
    expect(await read(nodeInfoCapability, {})).toMatchObject({ name, person });
  });

  it('is asked for again the next time: once it is there, anna sees her card', async () => {
    const { anna, refusal, find } = await annaWithoutParts();
    expect(await refusal(devicesCard, {})).toBe('unavailable not-loaded');
    find();
    const card = await anna.bus.call(devicesCard, {});
    expect(card.ok && card.value.output.words).toHaveLength(12);
  });

  it('is not confused with a part that is there and broken', async () => {
    expect(await loadPart(lost)).toEqual({ ok: false, error: 'not-loaded' });
    await expect(loadPart(() => Promise.reject(new RangeError('a fault in the part')))).rejects.toThrow('a fault');
  });
});
