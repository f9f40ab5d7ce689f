import { afterEach, describe, expect, it } from 'vitest';
import { chatHistory, chatRemove, chatSend } from '../../src/lib/contracts/chat.ts';
import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import type { Bus } from '../../src/lib/kernel/bus/bus.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createTestNode, realClock, seededRandom } from '../support/test-neighbours.ts';

const running: HearthNode[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
});

const start = async (name: string, network: MemoryNetwork) => {
  const node = await createTestNode({ name, network });
  running.push(node);
  return node;
};

/** The first snapshot of a live view that fits; `seen` gets all those before it too. */
const until = async <I, O, S>(
  bus: Bus,
  capability: Capability<I, O, S>,
  input: I,
  fits: (snapshot: S) => boolean,
  seen: S[] = [],
): Promise<S> => {
  for await (const snapshot of bus.stream(capability, input)) {
    seen.push(snapshot);
    if (fits(snapshot)) return snapshot;
  }
  throw new Error('the view ended');
};
const room = { thread: 'everyone' as const, limit: 200 };

const found = async () => {
  const network = createMemoryNetwork({ clock: realClock, random: seededRandom('network') });
  const anna = await start('anna', network);
  unwrap(await anna.bus.call(communityFound, { name: 'Anna', communityName: 'Lindenstrasse' }));
  const say = async (text: string): Promise<string> => {
    const clientId = bytesToText(crypto.getRandomValues(new Uint8Array(16)));
    return unwrap(await anna.bus.call(chatSend, { to: 'everyone' as const, text, clientId })).output.eventId;
  };
  const letIn = async (name: string) => {
    const invite = unwrap(await anna.bus.call(communityInvite, { onPaper: false })).output.code;
    const node = await start(name, network);
    unwrap(await node.bus.call(communityJoin, { invite, name }));
    const { waiting } = await until(anna.bus, communityMembers, {}, ({ waiting }) => waiting.length === 1);
    unwrap(await anna.bus.call(communityAdmit, { request: waiting[0]?.request ?? '', accept: true }));
    await until(node.bus, nodeInfoCapability, {}, ({ membership }) => membership === 'member');
    return node;
  };
  return { anna, say, letIn };
};

describe('a message of Anna that she removes for all', () => {
  it('is gone from the screens and disks of both, and from that of who comes later', async () => {
    const { anna, say, letIn } = await found();
    const bora = await letIn('bora');
    const eventId = await say('Not for you');
    await say('For you');
    await until(bora.bus, chatHistory, room, ({ messages }) => messages.length === 2);
    expect(bora.disk.payloads.has(eventId)).toBe(true);
    unwrap(await anna.bus.call(chatRemove, { eventId }));
    const isGone = ({ messages }: { messages: { text: string; removed: unknown }[] }): boolean =>
      messages.length === 2 && messages[0]?.text === '' && messages[0].removed !== null;
    const { messages } = await until(bora.bus, chatHistory, room, isGone);
    expect(messages[0]?.removed).toMatchObject({ name: 'Anna', isSelf: false });
    await until(anna.bus, chatHistory, room, isGone);
    const chen = await letIn('chen');
    await until(chen.bus, chatHistory, room, isGone);
    for (const node of [anna, bora, chen]) {
      await node.current()?.log.settled();
      expect(node.disk.payloads.has(eventId)).toBe(false);
      expect(node.current()?.log.missingPayloads(10)).toEqual([]);
    }
  });
});

describe('the first look of a newcomer', () => {
  it('shows what has come so far, how much there is, and never goes back', async () => {
    const { anna, say, letIn } = await found();
    const many = 600;
    for (let at = 0; at < many; at++) await say(`message ${at}`);
    expect(anna.current()?.log.size).toBeGreaterThan(many);
    const bora = await letIn('bora');
    const seen: { messages: unknown[]; total: number; fetching: { held: number; known: number } | null }[] = [];
    const last = await until(bora.bus, chatHistory, room, ({ total }) => total === many, seen);
    expect(last.messages).toHaveLength(200);
    const told = seen.flatMap(({ fetching }) => fetching ?? []);
    expect(told.length).toBeGreaterThan(0);
    for (const { held, known } of told) expect(held).toBeLessThan(known);
    expect(told.at(-1)?.known).toBe(many);
    const counts = seen.map(({ messages }) => messages.length);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    const { fetching } = await until(bora.bus, chatHistory, room, (snapshot) => snapshot.fetching === null);
    expect(fetching).toBeNull();
  });
});
