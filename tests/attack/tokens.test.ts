import { beforeAll, describe, expect, it } from 'vitest';
import { parseToken } from '../../src/lib/crypto/token.ts';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import type { AnyCapability } from '../../src/lib/kernel/bus/call.ts';
import type { Role } from '../../src/lib/kernel/bus/capability.ts';
import { encodeCbor } from '../../src/lib/kernel/codec.ts';
import { areBytesEqual } from '../../src/lib/kernel/ids.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Bytes } from '../../src/lib/kernel/ports/crypto.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { createTestBus, echo } from '../unit/bus-fixture.ts';
import {
  anna,
  bora,
  chainOf,
  chen,
  createTestCourt,
  dilek,
  eva,
  filled,
  type LinkWish,
} from '../unit/token-fixture.ts';
import { fuzz, harmless } from './fuzz-fixture.ts';
import { handedOn, only, tokenAttacks } from './token-attacks.ts';

/** Anna is an anchor of the neighbourhood; bora, chen and the others are nobody here and have only what tokens give them. */
const roles: Readonly<Record<string, Role>> = { [anna.device]: 'anchor' };

/** A device that serves one capability and counts how often its handler ran. */
const serving = (capability: AnyCapability) => {
  const trial = createTestCourt();
  let handled = 0;
  const { bus, callFrom } = createTestBus(roles, { judgeToken: trial.judge });
  bus.register(capability, async () => ((handled += 1), ok({})));
  return { ...trial, callFrom, handled: () => handled };
};

/** A capability as it is in the contracts, but that every input fits it: what is refused then is refused by the gates. */
const openInput = (capability: AnyCapability): AnyCapability => ({
  ...capability,
  input: echo().input as AnyCapability['input'],
  permit: () => null,
  maxConcurrent: 100,
});
const input = { text: 'water' };

const all = [...contractsByName.values()].map(openInput);
const lendable = all.filter(({ policy }) => policy !== 'self' && policy !== 'open');

describe('attacks with tokens on every capability', () => {
  it('there are capabilities of all three sorts to attack', () => {
    expect(lendable.map(({ name }) => name)).toContain('library.search');
    expect(all.filter(({ policy }) => policy === 'self').length).toBeGreaterThan(10);
    expect(all.filter(({ policy }) => policy === 'open').map(({ name }) => name)).toEqual([
      'mesh.ping',
      'devices.adopt',
    ]);
  });

  it('a token without any of these faults is served: what follows fails for its fault alone', async () => {
    for (const capability of lendable) {
      const { callFrom, handled } = serving(capability);
      const { token } = await only(capability.name);
      const chained = await handedOn(capability.name, {}, {});
      const byPrefix = await only(`${capability.name.slice(0, capability.name.indexOf('.'))}.`);
      for (const each of [token, chained.token, byPrefix.token])
        expect(await callFrom(bora.device, capability, input, [each])).toMatchObject({ ok: true });
      expect([capability.name, handled()]).toEqual([capability.name, 3]);
    }
  });

  it('no membership and no token: refused', async () => {
    for (const capability of lendable) {
      const { callFrom, handled } = serving(capability);
      expect(await callFrom(bora.device, capability, input)).toMatchObject({ error: { reason: 'not-a-member' } });
      expect(handled()).toBe(0);
    }
  });

  it.each(tokenAttacks)('$name: refused, and the handler never runs', async ({ reason, make, before }) => {
    for (const capability of lendable) {
      const trial = serving(capability);
      const { token, by = bora } = await make(capability.name);
      before?.(trial, token);
      const reply = await trial.callFrom(by.device, capability, input, [token]);
      expect([capability.name, reply.ok ? 'served' : reply.error.reason]).toEqual([capability.name, reason]);
      expect(trial.handled()).toBe(0);
    }
  });

  it("no token opens what is for a device's own screens, not even anna's for exactly that", async () => {
    for (const capability of all.filter(({ policy }) => policy === 'self')) {
      const { callFrom, handled, verdicts } = serving(capability);
      const { token } = await only(capability.name);
      for (const by of [bora, anna])
        expect(await callFrom(by.device, capability, input, [token])).toMatchObject({ error: { reason: 'self-only' } });
      expect([handled(), verdicts.asked]).toEqual([0, 0]);
    }
  });

  it('what a token says of the input holds after the schema, for every operator, and its rate for every call', async () => {
    for (const capability of lendable) {
      const refusal = async (policy: LinkWish['policy'], calls = 1) => {
        const { callFrom, handled } = serving(capability);
        const { token } = await only(capability.name, policy ? { policy } : {});
        let reply = await callFrom(bora.device, capability, input, [token]);
        for (let at = 1; at < calls; at++) reply = await callFrom(bora.device, capability, input, [token]);
        return [reply.ok ? 'served' : reply.error.reason, handled()];
      };
      expect(await refusal({ prefix: { text: 'wat' } })).toEqual(['served', 1]);
      expect(await refusal({ prefix: { text: 'power' } })).toEqual(['token-prefix', 0]);
      expect(await refusal({ oneOf: { text: ['power'] } })).toEqual(['token-one-of', 0]);
      expect(await refusal({ max: { text: 9 } })).toEqual(['token-max', 0]);
      expect(await refusal({ rpm: 2 }, 2)).toEqual(['served', 2]);
      expect(await refusal({ rpm: 2 }, 3)).toEqual(['token-rpm', 2]);
    }
  });

  it('more tokens than a call may carry, and params beyond their bound, are refused before any token is looked at', async () => {
    const [capability] = lendable;
    if (!capability) throw new Error('no capability to attack');
    const { callFrom, handled, verdicts } = serving(capability);
    const { token } = await only(capability.name);
    const many = Array.from({ length: limits.tokensPerCallMax + 1 }, () => token);
    expect(await callFrom(bora.device, capability, input, many)).toMatchObject({ error: { code: 'bad_request' } });
    expect(await callFrom(bora.device, capability, input, [token], { corpus: 'x'.repeat(81) })).toMatchObject({
      error: { code: 'bad_request' },
    });
    expect([handled(), verdicts.asked]).toEqual([0, 0]);
  });
});

describe('the decoder of tokens', () => {
  let seeds: Bytes[] = [];
  beforeAll(async () => {
    seeds = [
      await chainOf(
        [anna, bora],
        [{ policy: { max: { k: 8 }, oneOf: { corpora: ['a', 'b'] }, prefix: { query: 'w' }, rpm: 9 } }],
      ),
      await chainOf([anna, bora, chen]),
      await chainOf([anna, bora, chen, dilek, eva]),
    ];
  });

  it('takes of 20,000 hostile inputs only what it would write itself, and never throws', async () => {
    const tally = await fuzz(71, 20_000, seeds, (bytes) => {
      const parsed = parseToken(bytes);
      if (!parsed.ok) return null;
      return areBytesEqual(encodeCbor(parsed.value.map(({ body, signature }) => [body, signature])), bytes);
    });
    expect(tally).toMatchObject(harmless(20_000));
    expect(tally.taken).toBeGreaterThan(0);
  });

  it('lets no changed token stand: of 3,000 mutations the judge grants only what was signed', async () => {
    const { judge } = createTestCourt();
    const question = { audience: bora.device, command: 'test.echo', holdsRight: () => true };
    const tally = await fuzz(72, 3_000, seeds.slice(0, 1), async (bytes) => {
      const judged = await judge(bytes, question);
      return judged.ok ? areBytesEqual(bytes, seeds[0] ?? filled(0, 0)) : null;
    });
    expect(tally).toMatchObject(harmless(3_000));
  });
});
