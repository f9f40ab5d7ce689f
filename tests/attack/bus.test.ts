import { describe, expect, it } from 'vitest';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { decodeCbor, encodeCbor } from '../../src/lib/kernel/codec.ts';
import { randomInt } from '../../src/lib/kernel/ports/random.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { createSeededRandom } from '../contracts/transport-world.ts';
import { createTestBus } from '../unit/bus-fixture.ts';
import { mutate } from './fuzz-fixture.ts';

describe('attacks on the bus', () => {
  it('5,000 calls by strangers and members with hostile inputs reach a handler only through both gates', async () => {
    const random = createSeededRandom(31);
    const { bus, callFrom } = createTestBus({ bora: 'member', anna: 'anchor' });
    const handled: string[] = [];
    const capabilities = [...contractsByName.values()];
    const forNeighbours = capabilities.filter(({ policy }) => policy !== 'self');
    for (const capability of capabilities)
      bus.register(
        capability,
        async (_input, { caller }) => (
          handled.push(`${capability.policy} ${caller.kind === 'self' ? 'self' : caller.device}`),
          ok({})
        ),
      );
    const seeds = [
      encodeCbor({ query: 'x', k: 8, nonce: 1, text: 'x', to: 'everyone', corpora: ['a'], cid: 'A'.repeat(43) }),
      encodeCbor({ nonce: 5 }),
      encodeCbor({ messages: [{ role: 'person', text: 'x' }] }),
    ];
    let threw = 0;
    for (let at = 0; at < 5_000; at++) {
      const input = decodeCbor(at % 2 === 0 ? (seeds[at % 3] ?? new Uint8Array(0)) : mutate(random, seeds));
      const device = ['mallory', 'bora', 'anna', '__proto__', 'self'][randomInt(random, 5)] ?? '';
      // Most contracts are for own screens; half of the calls go to those that are not, so that enough of them get somewhere.
      const aimed = at % 4 < 2 ? capabilities : forNeighbours;
      const capability = aimed[randomInt(random, aimed.length)];
      await callFrom(device, capability, input.ok ? input.value : null).catch(() => (threw += 1));
    }
    expect(threw).toBe(0);
    expect(handled.length).toBeGreaterThan(50);
    const allowed = [
      'member anna',
      'member bora',
      ...['mallory', 'bora', 'anna', '__proto__', 'self'].map((name) => `open ${name}`),
    ];
    expect(handled.filter((line) => !allowed.includes(line))).toEqual([]);
    expect(handled).toContain('member bora');
  });

  it('a device that calls itself "self" is a stranger like any other', async () => {
    const { bus, callFrom } = createTestBus();
    const configure = contractsByName.get('node.configure');
    let handled = 0;
    if (configure) bus.register(configure, async () => ((handled += 1), ok({})));
    expect(await callFrom('self', configure, {})).toMatchObject({ error: { code: 'forbidden', reason: 'self-only' } });
    expect(handled).toBe(0);
  });
});
