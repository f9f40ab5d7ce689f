import { afterEach, expect, it } from 'vitest';
import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { chatHistory } from '../../src/lib/contracts/chat.ts';
import type { Bus } from '../../src/lib/kernel/bus/bus.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import { hlcFromMs, hlcMonth } from '../../src/lib/kernel/hlc.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createActs } from '../../src/lib/log/acts.ts';
import { monthLane } from '../../src/lib/log/event.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createTestNode, realClock, seededRandom } from '../support/test-neighbours.ts';
import { asIncoming, writeWords } from './preview-fixture.ts';
import { hashOf, idsOf, makePerson, platformCrypto } from './street-fixture.ts';

const running: HearthNode[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
});

const first = async <I, O, S>(bus: Bus, capability: Capability<I, O, S>, input: I, fits: (snapshot: S) => boolean) => {
  for await (const snapshot of bus.stream(capability, input)) if (fits(snapshot)) return snapshot;
  throw new Error('the view ended');
};

const count = 1_500;

/** Anna's neighbourhood with the words of three people in it; she has just let bora in. */
const boraJoins = async () => {
  const network = createMemoryNetwork({ clock: realClock, random: seededRandom('network') });
  const anna = await createTestNode({ name: 'anna', network });
  const bora = await createTestNode({ name: 'bora', network });
  running.push(anna, bora);
  unwrap(await anna.bus.call(communityFound, { name: 'Anna', communityName: 'Lindenstrasse' }));
  const there = anna.current();
  if (!there) throw new Error('there is no neighbourhood');
  const people = await Promise.all(['anna', 'chen', 'dora'].map((name) => makePerson(name, Date.now())));
  const acts = createActs({
    crypto: platformCrypto,
    random: seededRandom('acts'),
    device: (await makePerson('anna', Date.now())).keys,
  });
  for (const { certificate, name } of people.slice(1))
    unwrap(await acts.admit(there, { certificate, name, inviteHash: hashOf(name) }, []));
  const hlc = hlcFromMs(Date.now());
  const words = await writeWords(there.log.community, people, count, { hlc, lane: monthLane(hlcMonth(hlc)) });
  unwrap(await there.log.receive(asIncoming(words), 'earlier'));
  const invite = unwrap(await anna.bus.call(communityInvite, { onPaper: false })).output.code;
  unwrap(await bora.bus.call(communityJoin, { invite, name: 'Bora' }));
  const { waiting } = await first(anna.bus, communityMembers, {}, (members) => members.waiting.length === 1);
  unwrap(await anna.bus.call(communityAdmit, { request: waiting[0]?.request ?? '', accept: true }));
  return { there, bora };
};

it("bora's chat shows the very newest message before the first half of the month is stored, and all of it once at the end", async () => {
  const { there, bora } = await boraJoins();
  const view = { thread: 'everyone' as const, limit: 30 };
  const storedNow = () => bora.current()?.saidAtMost() ?? 0;
  let storedAtFirst: number | null = null;
  for await (const { messages, total } of bora.bus.stream(chatHistory, view)) {
    const texts = messages.map(({ text }) => Number(text.replace('word ', '')));
    expect(texts).toEqual([...new Set(texts)].toSorted((a, b) => a - b));
    if (texts.at(-1) === count - 1) storedAtFirst ??= storedNow();
    if (storedNow() === count && total === count) break;
  }
  expect(storedAtFirst).not.toBeNull();
  expect(storedAtFirst).toBeLessThan(count / 2);
  const here = bora.current();
  if (!here) throw new Error('bora has not joined');
  await here.log.settled();
  expect(idsOf(here.log)).toEqual(idsOf(there.log));
  expect(here.newest(count).map(({ text }) => text)).toEqual(there.newest(count).map(({ text }) => text));
  expect(here.room().messages).toHaveLength(count);
  expect(here.log.preview()).toEqual([]);
}, 60_000);
