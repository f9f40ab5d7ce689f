import { describe, expect, it } from 'vitest';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import type { AnyCapability } from '../../src/lib/kernel/bus/call.ts';
import { capabilityId, permitAll, type Policy, type Role } from '../../src/lib/kernel/bus/capability.ts';
import { encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { failure, isFailureCode, type Failure } from '../../src/lib/kernel/errors.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { settle } from '../support/virtual-clock.ts';
import { asAny, echo } from '../unit/bus-fixture.ts';
import { callFrame, createRpcHouse, framesOf, say } from '../unit/rpc-fixture.ts';
import { anna, bora, chainOf, chen, createTestCourt, nowSeconds, type Holder } from '../unit/token-fixture.ts';
import { tokenAttacks } from './token-attacks.ts';

/** One that no contract has yet: whatever is generated here has to find it by itself, as it will find those added later. */
const later = asAny(echo({ name: 'later.ability' }));
const every = [...contractsByName.values(), later];
const servedTo = (policy: Policy, role: Role | null): boolean =>
  policy === 'open' || (policy !== 'self' && role !== null && rank[role] >= rank[policy]);
const rank = { member: 1, trusted: 2, anchor: 3 } as const;

/** As in its contract, but that every input fits: what is refused is refused by a gate, and not because it was not understood. */
const openInput = (capability: AnyCapability, over: Partial<AnyCapability> = {}): AnyCapability => ({
  ...capability,
  input: echo().input as AnyCapability['input'],
  output: echo().output as AnyCapability['output'],
  permit: () => null,
  maxConcurrent: 100,
  ...over,
});

/** Dilek's device serves it and counts; its links are real entrances, with frames as they come over the wire. */
const serving = (capability: AnyCapability, roles: Readonly<Record<string, Role>> = {}) => {
  const court = createTestCourt();
  let handled = 0;
  const relay = asAny(echo({ name: 'test.relay', policy: 'open', timeoutMs: 0 }));
  const house = createRpcHouse('dilek', [capability, relay], { [anna.device]: 'anchor', ...roles }, court.judge);
  const { item: _item, ...unary } = capability;
  house.bus.register(unary as AnyCapability, async () => ((handled += 1), ok({ text: 'served' })));
  house.bus.register(relay, async (input, { call }) => {
    const reply = await call(unary as AnyCapability, input);
    return reply.ok ? ok(reply.value.output) : reply;
  });
  const linkByDevice = new Map<string, ReturnType<typeof house.linkTo>>();
  const linkOf = (device: string) => {
    const link = linkByDevice.get(device) ?? house.linkTo(device);
    linkByDevice.set(device, link);
    return link;
  };
  let calls = 0;
  const call = async (by: Holder, over: Parameters<typeof callFrame>[1] = {}): Promise<Failure | 'served'> => {
    // One link a device, as in life; a call under an id that was used is dropped.
    const link = linkOf(by.device);
    framesOf(link);
    say(link, callFrame((calls += 1), { cap: capabilityId(capability), ...over }));
    for (let turn = 0; turn < 50; turn++) {
      for (const frame of framesOf(link)) {
        if (frame.t === 'error') return frame.failure;
        if (frame.t === 'done') return 'served';
      }
      await settle();
    }
    return failure('internal', 'no answer at all');
  };
  return { ...court, house, call, linkOf, handled: () => handled };
};

describe('every capability, called over a link', () => {
  it('is among those that are attacked here, also the one that came later', () => {
    expect(every.length).toBeGreaterThan(50);
    expect(every).toContain(later);
    for (const policy of ['open', 'member', 'self'] as const)
      expect(every.map((each) => each.policy)).toContain(policy);
  });

  it.each([null, 'member', 'trusted', 'anchor'] as const)(
    'serves role %s what its policy says, and nothing else',
    async (role) => {
      for (const capability of every.map((each) => openInput(each))) {
        const { call, handled } = serving(capability, role ? { [bora.device]: role } : {});
        const answer = await call(bora);
        const isServed = servedTo(capability.policy, role);
        expect([capability.name, answer === 'served', handled()]).toEqual([
          capability.name,
          isServed,
          isServed ? 1 : 0,
        ]);
        if (answer !== 'served') expect(['unauthorized', 'forbidden']).toContain(answer.code);
      }
    },
  );

  it.each(tokenAttacks)(
    'with a token, $name: refused, and the handler never runs',
    async ({ reason, make, before }) => {
      for (const capability of every.map((each) => openInput(each)).filter(({ policy }) => policy !== 'open')) {
        const trial = serving(capability);
        const { token, by = bora } = await make(capability.name);
        before?.(trial, token);
        const answer = await trial.call(by, { tokens: [token] });
        const expected = capability.policy === 'self' ? 'self-only' : reason;
        expect([capability.name, answer === 'served' ? answer : answer.reason, trial.handled()]).toEqual([
          capability.name,
          expected,
          0,
        ]);
      }
    },
  );

  it('token_exp: is open to a token until the second it is over, also to one that was used before', async () => {
    for (const capability of every
      .map((each) => openInput(each))
      .filter(({ policy }) => servedTo(policy, 'anchor') && policy !== 'open')) {
      const { call, facts, handled } = serving(capability);
      const token = await chainOf([anna, bora], [{ command: capability.name, expires: nowSeconds + 60 }]);
      facts.now = nowSeconds + 59;
      expect(await call(bora, { tokens: [token] })).toBe('served');
      facts.now = nowSeconds + 60;
      expect(await call(bora, { tokens: [token] })).toMatchObject({ code: 'token_expired', reason: 'token-expired' });
      expect([capability.name, handled()]).toEqual([capability.name, 1]);
    }
  });

  it('believes its link who calls, never what a body, a param or a foreign field says', async () => {
    const refusedAtFirstGate = { code: expect.stringMatching(/^(unauthorized|forbidden)$/) as string };
    const claims: readonly Cbor[] = [
      { text: 'x', caller: { kind: 'self' } },
      { text: 'x', caller: anna.device, from: anna.device, device: anna.device, role: 'anchor' },
      { text: 'x', tokens: ['all'] },
    ];
    for (const capability of every.map((each) => openInput(each)).filter(({ policy }) => policy !== 'open')) {
      const { call, linkOf, handled } = serving(capability);
      for (const input of claims) expect(await call(bora, { input })).toMatchObject(refusedAtFirstGate);
      const link = linkOf(bora.device);
      const claimed = {
        ...callFrame(1_000, { cap: capabilityId(capability) }),
        caller: 'self',
        device: anna.device,
        role: 'anchor',
      };
      link.hear('rpc', encodeCbor(claimed as unknown as Cbor) as Bytes);
      await settle();
      expect([capability.name, handled()]).toEqual([capability.name, 0]);
    }
  });

  it('is not found under another version or a name that only looks alike', async () => {
    for (const capability of every.map((each) => openInput(each, { policy: 'open' }))) {
      const { call, handled } = serving(capability);
      const { name, version } = capability;
      for (const cap of [
        `${name}@${version.major + 1}.0`,
        `${name}@${version.major}.${version.minor + 1}`,
        `${name.toUpperCase()}@1.0`,
        `${name}x@1.0`,
        `__proto__.${name}@1.0`,
        `${name}@1.0 `,
        name,
      ])
        expect([cap, await call(bora, { cap })]).toEqual([cap, expect.objectContaining({ code: 'not_found' })]);
      expect(handled()).toBe(0);
    }
  });

  it('is not reached through another that may be called: its handler calls with the right of who called it', async () => {
    for (const capability of every.map((each) => openInput(each)).filter(({ policy }) => policy !== 'open')) {
      const { call, handled } = serving(capability);
      const answer = await call(bora, { cap: 'test.relay@1.2' });
      expect([capability.name, answer === 'served', handled()]).toEqual([capability.name, false, 0]);
      if (answer !== 'served') expect(isFailureCode(answer.code)).toBe(true);
    }
  });
});

/**
 * Capabilities whose contract has a rule of its own beside its policy (own, role, thread): for each an input of somebody else's,
 * which a neighbour who passed the first gate must not get through with. A new one without a case here fails.
 */
const foreignInputs: Readonly<Record<string, Cbor>> = {};

describe('every capability with a rule of its own', () => {
  const ruled = every.filter(({ permit }) => permit !== permitAll);

  it('has its case here', () => {
    expect(ruled.map(({ name }) => name).toSorted()).toEqual(Object.keys(foreignInputs).toSorted());
  });

  it('refuses a foreign caller, directly and through another capability, and its handler never runs', async () => {
    const own = asAny(
      echo({
        name: 'later.own',
        permit: (caller, { text }) =>
          caller.kind === 'self' || caller.device === text ? null : failure('forbidden', 'not-yours'),
      }),
    );
    const cases = [
      ...ruled.map((each) => [each, foreignInputs[each.name] ?? null] as const),
      [own, { text: chen.device }] as const,
    ];
    for (const [capability, input] of cases) {
      const { call, handled } = serving(capability, { [bora.device]: 'member', [chen.device]: 'member' });
      expect(await call(bora, { input })).toMatchObject({ code: 'forbidden' });
      expect(await call(bora, { input, cap: 'test.relay@1.2' })).toMatchObject({ code: 'forbidden' });
      expect([capability.name, handled()]).toEqual([capability.name, 0]);
      expect(await call(chen, { input })).toBe('served');
    }
  });
});
