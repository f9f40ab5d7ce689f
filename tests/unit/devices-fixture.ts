import { afterEach } from 'vitest';
import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { chatHistory, chatSend } from '../../src/lib/contracts/chat.ts';
import { devicesConfirm, devicesLink, devicesLinkCode, devicesList } from '../../src/lib/contracts/devices.ts';
import { nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import type { Transport } from '../../src/lib/kernel/ports/transport.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryDisk, type MemoryDisk } from '../../src/lib/stores/memory-store.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createTestNode, realClock, seededRandom } from '../support/test-neighbours.ts';

/** A device over all its starts: the disk stays, the node comes and goes, also when it asks to be started anew. */
export type TestDevice = {
  readonly name: string;
  readonly disk: MemoryDisk;
  node(): HearthNode;
  readonly restarts: () => number;
  /** Resolves when the node runs that was started for the n-th time by its own wish. */
  restarted(n?: number): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
};

const running = new Set<TestDevice>();
afterEach(async () => {
  for (const device of running) await device.stop();
  running.clear();
});

export const newNetwork = (): MemoryNetwork =>
  createMemoryNetwork({ clock: realClock, random: seededRandom('network') });

/** `seed`: what the keys of the first start come from; two devices with one seed and one disk are a copied profile. */
export const startDevice = async (
  name: string,
  network: MemoryNetwork,
  {
    disk = createMemoryDisk(),
    seed = name,
    place,
  }: {
    disk?: MemoryDisk;
    seed?: string;
    /** Of each start, where the device does not live in the network. */
    place?: () => { readonly transport: Transport; readonly defaultSignalUrl: string };
  } = {},
): Promise<TestDevice> => {
  let node: HearthNode | null = null;
  let starts = 0;
  let restarts = 0;
  const waiting = new Map<() => void, number>();
  const start = async (): Promise<void> => {
    starts += 1;
    const random = seededRandom(`${name} ${seed} start ${starts}`);
    node = await createTestNode({ name, seed, network, disk, random, restart: () => void restart(), ...place?.() });
  };
  const stop = async (): Promise<void> => {
    const ending = node;
    node = null;
    await ending?.stop();
  };
  const restart = async (): Promise<void> => {
    if (!running.has(device)) return;
    await stop();
    await start();
    restarts += 1;
    for (const [tell, n] of waiting) if (restarts >= n) tell();
  };
  const device: TestDevice = {
    name,
    disk,
    node: () => {
      if (!node) throw new Error(`${name} is not running`);
      return node;
    },
    restarts: () => restarts,
    restarted: async (n = 1) => {
      if (restarts < n) await new Promise<void>((resolve) => waiting.set(resolve, n));
    },
    start,
    stop,
  };
  running.add(device);
  await start();
  return device;
};

export const copyDisk = (disk: MemoryDisk): MemoryDisk => ({
  events: new Map(disk.events),
  payloads: new Map(disk.payloads),
  kv: new Map(disk.kv),
  unflushed: [],
});

/** The first snapshot of a live view that fits. */
export const until = async <I, O, S>(
  device: TestDevice,
  capability: Capability<I, O, S>,
  input: I,
  fits: (snapshot: S) => boolean,
): Promise<S> => {
  for await (const snapshot of device.node().bus.stream(capability, input)) if (fits(snapshot)) return snapshot;
  throw new Error(`the view ${capability.name} of ${device.name} ended`);
};

/** What a live view says now. */
export const now = <I, O, S>(device: TestDevice, capability: Capability<I, O, S>, input: I): Promise<S> =>
  until(device, capability, input, () => true);

/** The output of a call that has to succeed. */
export const call = async <I, O, S>(device: TestDevice, capability: Capability<I, O, S>, input: I): Promise<O> => {
  const reply = await device.node().bus.call(capability, input);
  if (!reply.ok) throw new Error(`${capability.name} on ${device.name}: ${reply.error.code} ${reply.error.reason}`);
  return reply.value.output;
};

/** The reason a call was refused for. */
export const refusal = async <I, O, S>(device: TestDevice, capability: Capability<I, O, S>, input: I) => {
  const reply = await device.node().bus.call(capability, input);
  return reply.ok ? 'it was not refused' : reply.error.reason;
};

export const found = (device: TestDevice, name: string) =>
  call(device, communityFound, { name, communityName: 'Lindenstrasse' });

export const isIn = (device: TestDevice) =>
  until(device, nodeInfoCapability, {}, ({ membership }) => membership === 'member');

/** `inviter` lets `newcomer` in; what the inviter saw at the door. */
export const letIn = async (inviter: TestDevice, newcomer: TestDevice, name: string) => {
  const { code } = await call(inviter, communityInvite, { onPaper: false });
  await call(newcomer, communityJoin, { invite: code, name });
  const { waiting } = await until(inviter, communityMembers, {}, (members) => members.waiting.length === 1);
  await call(inviter, communityAdmit, { request: waiting[0]?.request ?? '', accept: true });
  await isIn(newcomer);
  return { code, waiting: waiting[0] };
};

/** `fresh` knocks with a link code of `inside`: the emoji on both sides, and the request that waits for the tap. */
export const knockAsDevice = async (inside: TestDevice, fresh: TestDevice) => {
  const { code } = await call(inside, devicesLinkCode, {});
  await call(fresh, devicesLink, { code });
  const { linking } = await until(inside, devicesList, {}, (devices) => devices.linking.length > 0);
  const { ownEmoji } = await until(fresh, communityMembers, {}, (members) => members.ownEmoji.length === 6);
  return { code, request: linking[0]?.request ?? '', emoji: linking[0]?.emoji ?? [], ownEmoji };
};

/** `restarts`: how often `fresh` will have started anew by then. */
export const link = async (inside: TestDevice, fresh: TestDevice, withRoot: boolean, restarts = 1) => {
  const knocked = await knockAsDevice(inside, fresh);
  await call(inside, devicesConfirm, { request: knocked.request, accept: true, withRoot });
  await fresh.restarted(restarts);
  await isIn(fresh);
  return knocked;
};

export const say = (device: TestDevice, text: string) =>
  call(device, chatSend, {
    to: 'everyone' as const,
    text,
    clientId: bytesToText(crypto.getRandomValues(new Uint8Array(16))),
  });

export const hears = (device: TestDevice, text: string) =>
  until(device, chatHistory, { thread: 'everyone' as const, limit: 50 }, ({ messages }) =>
    messages.some((message) => message.text === text),
  );
