import { object, string } from 'valibot';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chatHistory, chatSend } from '../../src/lib/contracts/chat.ts';
import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { define } from '../../src/lib/contracts/define.ts';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { meshPeers } from '../../src/lib/contracts/mesh.ts';
import { nodeInfoCapability } from '../../src/lib/contracts/node.ts';
import { tokensAccept, tokensIssue, tokensList, tokensRevoke } from '../../src/lib/contracts/tokens.ts';
import type { Bus } from '../../src/lib/kernel/bus/bus.ts';
import type { AnyCapability } from '../../src/lib/kernel/bus/call.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createTestNode, realClock, seededRandom } from '../support/test-neighbours.ts';
import { asAny } from './bus-fixture.ts';

/** A capability that only trusted people may call, known to every node of this file. */
const openPump = define({
  name: 'test.openPump',
  input: object({ pump: string() }),
  output: object({ pump: string() }),
  policy: 'trusted',
  routable: true,
});
const known = contractsByName as Map<string, AnyCapability>;
beforeAll(() => void known.set(openPump.name, asAny(openPump)));
afterAll(() => void known.delete(openPump.name));

const running: HearthNode[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
});
const hourMs = 3_600_000;
const shifted = (byMs: number): Clock => ({ now: () => realClock.now() + byMs, after: realClock.after });

const start = async (name: string, network: MemoryNetwork, clock: Clock = realClock) => {
  const node = await createTestNode({ name, network, clock });
  running.push(node);
  return node;
};
const until = async <I, O, S>(
  bus: Bus,
  view: Capability<I, O, S>,
  input: I,
  fits: (snapshot: S) => boolean,
): Promise<S> => {
  for await (const snapshot of bus.stream(view, input)) if (fits(snapshot)) return snapshot;
  throw new Error('the view ended');
};
const call = async <I, O, S>(bus: Bus, capability: Capability<I, O, S>, input: I): Promise<O> => {
  const reply = await bus.call(capability, input);
  if (!reply.ok) throw new Error(`${capability.name}: ${reply.error.code} ${reply.error.reason}`);
  return reply.value.output;
};
const found = async (network: MemoryNetwork) => {
  const anna = await start('anna', network);
  await call(anna.bus, communityFound, { name: 'Anna', communityName: 'Lindenstrasse' });
  return anna;
};
const letIn = async (anna: HearthNode, name: string, network: MemoryNetwork, clock: Clock = realClock) => {
  const newcomer = await start(name, network, clock);
  const { code } = await call(anna.bus, communityInvite, { onPaper: false });
  await call(newcomer.bus, communityJoin, { invite: code, name });
  const { waiting } = await until(anna.bus, communityMembers, {}, (members) => members.waiting.length === 1);
  await call(anna.bus, communityAdmit, { request: waiting[0]?.request ?? '', accept: true });
  const info = await until(newcomer.bus, nodeInfoCapability, {}, ({ membership }) => membership === 'member');
  return { ...newcomer, device: info.device };
};
const network = () => createMemoryNetwork({ clock: realClock, random: seededRandom('network') });

describe('neighbours with tokens', () => {
  it('bora opens the pump at anna with her token, and no more once she has taken it back', async () => {
    const street = network();
    const anna = await found(street);
    const bora = await letIn(anna, 'bora', street);
    const opened: string[] = [];
    anna.bus.register(openPump, ({ pump }) => (opened.push(pump), ok({ pump })));
    await until(bora.bus, meshPeers, {}, ({ neighbours }) =>
      neighbours.some(({ offers }) => offers.some(({ capability }) => capability === 'test.openPump@1.0')),
    );
    const bakery = { pump: 'bakery' };
    expect(await bora.bus.call(openPump, bakery)).toMatchObject({
      error: { code: 'forbidden', reason: 'role-too-low' },
    });
    const given = await call(anna.bus, tokensIssue, {
      audience: bora.device,
      command: 'test.openPump',
      policy: { oneOf: { pump: ['bakery'] } },
      hours: 1,
    });
    await call(bora.bus, tokensAccept, { token: given.token });
    expect(await bora.bus.call(openPump, bakery)).toMatchObject({ value: { output: bakery } });
    expect(await bora.bus.call(openPump, { pump: 'school' })).toMatchObject({
      error: { code: 'token_scope_insufficient', reason: 'token-one-of' },
    });
    await call(anna.bus, tokensRevoke, { id: given.id });
    expect(await bora.bus.call(openPump, bakery)).toMatchObject({
      error: { code: expect.stringMatching(/revoked|forbidden/) },
    });
    expect(opened).toEqual(['bakery']);
    for (let look = 0; (await call(bora.bus, tokensList, {})).tokens[0]?.state !== 'revoked'; look++) {
      if (look > 200) throw new Error('the revocation never came to bora');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });

  it(
    "bora's clock is an hour behind: his messages say the neighbours' time, and his node says so",
    { timeout: 60_000 },
    async () => {
      const street = network();
      const anna = await found(street);
      await letIn(anna, 'chen', street);
      await letIn(anna, 'dilek', street);
      const bora = await letIn(anna, 'bora', street, shifted(-hourMs));
      const info = await until(bora.bus, nodeInfoCapability, {}, ({ clockOffsetMs }) => clockOffsetMs !== 0);
      expect(Math.abs(info.clockOffsetMs - hourMs)).toBeLessThan(60_000);
      const clientId = bytesToText(seededRandom('client').bytes(16));
      await call(bora.bus, chatSend, { to: 'everyone' as const, text: 'Hallo!', clientId });
      const { messages } = await until(
        anna.bus,
        chatHistory,
        { thread: 'everyone' as const, limit: 9 },
        (history) => history.messages.length === 1,
      );
      expect(Math.abs((messages[0]?.at ?? 0) - Date.now())).toBeLessThan(60_000);
    },
  );
});
