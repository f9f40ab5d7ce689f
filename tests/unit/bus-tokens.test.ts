import { describe, expect, it } from 'vitest';
import { createTokenBox } from '../../src/lib/node/token-box.ts';
import type { Role } from '../../src/lib/kernel/bus/capability.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import { createMemoryDisk, createMemoryStore } from '../../src/lib/stores/memory-store.ts';
import { createSeededRandom } from '../contracts/transport-world.ts';
import { createNodeCrypto } from '../support/node-crypto.ts';
import { asAny, createTestBus, echo, says } from './bus-fixture.ts';
import { settle } from './link-fixture.ts';
import { callFrame, createRpcHouse, framesOf, say } from './rpc-fixture.ts';
import { anna, bora, chainOf, chen, createTestCourt, nowSeconds, type Holder } from './token-fixture.ts';

const hello = { text: 'hello' };
const roles: Readonly<Record<string, Role>> = { [anna.device]: 'anchor', [bora.device]: 'member' };

describe('tokens at the gates of the bus', () => {
  const capability = echo({ policy: 'trusted' });

  it('lift bora over the role she lacks, for the command they name and for no other', async () => {
    const { judge } = createTestCourt();
    const other = echo({ name: 'test.other', policy: 'trusted' });
    const { bus, callFrom } = createTestBus(roles, { judgeToken: judge });
    for (const each of [capability, other]) bus.register(each, async (input) => ok(input));
    const token = await chainOf([anna, bora]);
    expect(await callFrom(bora.device, capability, hello)).toMatchObject({ error: { reason: 'role-too-low' } });
    expect(await callFrom(bora.device, capability, hello, [token])).toMatchObject({ value: { output: hello } });
    expect(await callFrom(bora.device, other, hello, [token])).toMatchObject({
      error: { code: 'token_scope_insufficient', reason: 'token-command' },
    });
  });

  it('are not looked at where the role is enough, nor by a bus that has no judge', async () => {
    const { judge, verdicts } = createTestCourt();
    const nonsense = [Uint8Array.of(1, 2, 3)];
    const judged = createTestBus(roles, { judgeToken: judge });
    judged.bus.register(capability, async (input) => ok(input));
    expect(await judged.callFrom(anna.device, capability, hello, nonsense)).toMatchObject({ ok: true });
    expect(verdicts.asked).toBe(0);
    const plain = createTestBus(roles);
    plain.bus.register(capability, async (input) => ok(input));
    const token = await chainOf([anna, bora]);
    expect(await plain.callFrom(bora.device, capability, hello, [token])).toMatchObject({
      error: { reason: 'role-too-low' },
    });
  });

  it('are alternatives: one that permits the input is enough, and the first refusal is told when none does', async () => {
    const { judge } = createTestCourt();
    const { bus, callFrom } = createTestBus(roles, { judgeToken: judge });
    bus.register(capability, async (input) => ok(input));
    const power = await chainOf([anna, bora], [{ policy: { prefix: { text: 'power' } } }]);
    const greeting = await chainOf([anna, bora], [{ policy: { oneOf: { text: ['hello'] } } }]);
    expect(await callFrom(bora.device, capability, hello, [power, greeting])).toMatchObject({ ok: true });
    expect(await callFrom(bora.device, capability, { text: 'water' }, [power, greeting])).toMatchObject({
      error: { code: 'token_scope_insufficient', reason: 'token-prefix' },
    });
  });

  it('go with the calls that a call causes, and a handler cannot bring its own', async () => {
    const { judge } = createTestCourt();
    const inner = echo({ name: 'test.inner', policy: 'trusted' });
    const { bus, callFrom } = createTestBus(roles, { judgeToken: judge });
    const handlersOwn = await chainOf([anna, bora], [{ command: 'test.inner' }]);
    bus.register(inner, async (input) => ok(input));
    bus.register(capability, async (input, context) => {
      const reply = await context.call(inner, input, { tokens: [handlersOwn] });
      return reply.ok ? ok(reply.value.output) : reply;
    });
    const outerOnly = await chainOf([anna, bora]);
    const both = await chainOf([anna, bora], [{ command: 'test.' }]);
    expect(await callFrom(bora.device, capability, hello, [outerOnly])).toMatchObject({
      error: { code: 'token_scope_insufficient' },
    });
    expect(await callFrom(bora.device, capability, hello, [both])).toMatchObject({ ok: true });
  });

  it("of this device travel with its own screens' calls to others, never with a call that somebody else has caused", async () => {
    const token = await chainOf([anna, bora]);
    const { bus, asked, neighbour, callFrom } = createTestBus(roles, {
      tokensFor: (command) => (command === capability.name ? [token] : []),
    });
    neighbour('chen', capability, says('hello'));
    expect(await bus.call(capability, hello)).toMatchObject({ ok: true });
    expect(asked.map(({ tokens }) => tokens)).toEqual([[token]]);
    await callFrom(anna.device, capability, hello);
    expect(asked).toHaveLength(1);
  });

  it('travel in the call frame and lift whom the link has proven, and nobody else', async () => {
    const { judge } = createTestCourt();
    const capabilities = [capability];
    const house = createRpcHouse('chen', capabilities, roles, judge);
    house.bus.register(capability, async (input) => ok(input));
    const token = await chainOf([anna, bora]);
    for (const [by, outcome] of [
      [bora, 'done'],
      [chen, 'token-audience'],
    ] as const) {
      const link = house.linkTo(by.device);
      say(link, callFrame(1, { tokens: [token] }));
      await settle();
      expect(framesOf(link).map((frame) => (frame.t === 'error' ? frame.failure.reason : frame.t))).toEqual([outcome]);
    }
  });
});

describe('the token box', () => {
  const contractsByName = new Map(
    [
      echo({ policy: 'trusted' }),
      echo({ name: 'test.mine', policy: 'self' }),
      echo({ name: 'own.screen', policy: 'self' }),
    ]
      .map(asAny)
      .map((each) => [each.name, each]),
  );
  const boxOf = async (holder: Holder, disk = createMemoryDisk(), trial = createTestCourt()) => {
    const written: string[] = [];
    const random = createSeededRandom(9);
    const box = createTokenBox({
      crypto: createNodeCrypto(random),
      random,
      store: createMemoryStore({ disk }),
      self: () => holder.signing,
      court: trial.court,
      roleOf: (device) => roles[device] ?? null,
      contractsByName,
      writeRevocation: async (hash) => (written.push(bytesToText(hash)), ok(undefined)),
    });
    await box.load();
    return { ...box, ...trial, written, disk };
  };
  const unwrapped = async <T>(reply: Promise<{ ok: true; value: T } | { ok: false; error: unknown }>): Promise<T> => {
    const result = await reply;
    if (!result.ok) throw new Error(JSON.stringify(result.error));
    return result.value;
  };

  it('lets anna give, bora keep and hand on, and chen call with what is left of it', async () => {
    const [annas, boras, chens] = [await boxOf(anna), await boxOf(bora), await boxOf(chen)];
    const given = await unwrapped(
      annas.acts.issue({ audience: bora.device, command: 'test.', policy: { max: { k: 5 } }, hours: 24 }),
    );
    expect(await unwrapped(boras.acts.accept(given.token))).toEqual({ id: given.id });
    expect(boras.tokensFor('test.echo')).toHaveLength(1);
    expect(annas.acts.list()).toMatchObject([{ id: given.id, side: 'issued', state: 'valid', links: 1 }]);
    const handed = await unwrapped(
      boras.acts.attenuate({ id: given.id, audience: chen.device, command: 'test.echo', policy: { rpm: 6 }, hours: 1 }),
    );
    await unwrapped(chens.acts.accept(handed.token));
    const [shown] = chens.tokensFor('test.echo');
    expect(chens.acts.list()).toMatchObject([
      { side: 'held', command: 'test.echo', policy: { max: { k: 5 }, rpm: 6 }, links: 2 },
    ]);
    const question = {
      audience: chen.device,
      command: 'test.echo',
      holdsRight: (device: string) => device === anna.device,
    };
    expect(await annas.judge(shown ?? new Uint8Array(0), question)).toMatchObject({ ok: true });
  });

  it('refuses to give what the giver does not have, what is for own screens, and what nobody has', async () => {
    const [annas, boras] = [await boxOf(anna), await boxOf(bora)];
    const wish = { audience: chen.device, policy: {}, hours: 1 };
    expect(await boras.acts.issue({ ...wish, command: 'test.echo' })).toMatchObject({
      error: { reason: 'role-too-low' },
    });
    expect(await annas.acts.issue({ ...wish, command: 'own.screen' })).toMatchObject({
      error: { reason: 'self-only' },
    });
    expect(await annas.acts.issue({ ...wish, command: 'no.such' })).toMatchObject({ error: { code: 'not_found' } });
    expect(await annas.acts.issue({ ...wish, command: 'test.echo', audience: 'A'.repeat(43) })).toMatchObject({
      error: { reason: 'audience' },
    });
    expect(annas.acts.list()).toEqual([]);
  });

  it('refuses to hand on more than it holds, and to take what is foreign, over or broken', async () => {
    const [annas, boras] = [await boxOf(anna), await boxOf(bora)];
    const given = await unwrapped(
      annas.acts.issue({ audience: bora.device, command: 'test.echo', policy: { max: { k: 5 } }, hours: 1 }),
    );
    await unwrapped(boras.acts.accept(given.token));
    const wider = { id: given.id, audience: chen.device };
    expect(await boras.acts.attenuate({ ...wider, policy: { max: { k: 6 } } })).toMatchObject({
      error: { reason: 'token-widened-policy' },
    });
    expect(await boras.acts.attenuate({ ...wider, policy: {}, command: 'test.' })).toMatchObject({
      error: { reason: 'token-widened-command' },
    });
    const stretched = await boras.acts.attenuate({ ...wider, policy: {}, hours: 24 });
    expect(stretched).toMatchObject({ ok: true });
    expect(boras.acts.list().map(({ expires }) => expires)).toEqual([
      expect.any(Number),
      annas.acts.list()[0]?.expires,
    ]);
    const chens = await boxOf(chen);
    expect(await chens.acts.accept(given.token)).toMatchObject({ error: { reason: 'token-audience' } });
    expect(await chens.acts.accept('not a token')).toMatchObject({ error: { reason: 'token-malformed' } });
    boras.facts.now = nowSeconds + 3_600;
    expect(await boras.acts.accept(given.token)).toMatchObject({ error: { code: 'token_expired' } });
    expect(boras.tokensFor('test.echo')).toEqual([]);
  });

  it('finds its tokens again after a restart, and none where the disk holds something else', async () => {
    const annas = await boxOf(anna);
    const boras = await boxOf(bora);
    const given = await unwrapped(
      annas.acts.issue({ audience: bora.device, command: 'test.echo', policy: {}, hours: 1 }),
    );
    await unwrapped(boras.acts.accept(given.token));
    const again = await boxOf(bora, boras.disk);
    expect(again.acts.list()).toMatchObject([{ id: given.id, side: 'held' }]);
    const odd = createMemoryStore({ disk: boras.disk });
    expect((await odd.commit({ kv: [{ key: 'tokens', value: { held: 'x', issued: [5] } }] }, 'strict')).ok).toBe(true);
    expect((await boxOf(bora, boras.disk)).acts.list()).toEqual([]);
  });

  it('takes back what it gave by an event, and from others only in trusted hands', async () => {
    const [annas, boras] = [await boxOf(anna), await boxOf(bora)];
    const given = await unwrapped(
      annas.acts.issue({ audience: bora.device, command: 'test.echo', policy: {}, hours: 1 }),
    );
    await unwrapped(boras.acts.accept(given.token));
    expect(await boras.acts.revoke(given.id)).toMatchObject({ error: { code: 'forbidden' } });
    expect(await annas.acts.revoke(given.id)).toMatchObject({ ok: true });
    expect([annas.written, boras.written]).toEqual([[given.id], []]);
    boras.revoked.add(given.id);
    expect(boras.tokensFor('test.echo')).toEqual([]);
    expect(boras.acts.list()).toMatchObject([{ state: 'revoked' }]);
  });

  it('keeps a bounded number, makes room by what is over, and says when the store refuses', async () => {
    const annas = await boxOf(anna);
    const wish = { audience: bora.device, command: 'test.echo', policy: {}, hours: 1 };
    for (let at = 0; at < limits.tokensIssuedMax; at++) expect((await annas.acts.issue(wish)).ok).toBe(true);
    expect(await annas.acts.issue(wish)).toMatchObject({ error: { code: 'quota_full', reason: 'tokens' } });
    annas.facts.now = nowSeconds + 3_600;
    expect((await annas.acts.issue(wish)).ok).toBe(true);
    expect(annas.acts.list()).toHaveLength(1);
    const full = createTokenBox({
      crypto: createNodeCrypto(createSeededRandom(9)),
      random: createSeededRandom(9),
      store: { get: async () => undefined, commit: async () => err('quota-full') },
      self: () => anna.signing,
      court: createTestCourt().court,
      roleOf: () => 'anchor',
      contractsByName,
      writeRevocation: async () => err('quota-full'),
    });
    expect(await full.acts.issue(wish)).toMatchObject({ error: { code: 'quota_full' } });
    expect(await full.acts.revoke(bora.device)).toMatchObject({ error: { code: 'quota_full' } });
  });
});
