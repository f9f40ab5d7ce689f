import { object, string } from 'valibot';
import { describe, expect, it } from 'vitest';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { lazyInput } from '../../src/lib/kernel/bus/call.ts';
import { decodeCbor, encodeCbor } from '../../src/lib/kernel/codec.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import { randomInt } from '../../src/lib/kernel/ports/random.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { createSeededRandom } from '../contracts/transport-world.ts';
import { createGate, createTestBus, echo } from '../unit/bus-fixture.ts';
import { settle } from '../unit/link-fixture.ts';
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

  it('no stranger makes this device read or fetch an input, whatever contract is asked for', async () => {
    const { bus, serveFrom } = createTestBus({ bora: 'member' });
    const read: string[] = [];
    for (const capability of contractsByName.values()) {
      bus.register(capability, async () => ok({}));
      for (const device of ['mallory', 'bora']) {
        const input = lazyInput(() => (read.push(`${device} ${capability.policy}`), ok({})));
        await serveFrom(device, capability, input);
      }
    }
    expect([...new Set(read)].toSorted()).toEqual(['bora member', 'bora open', 'mallory open']);
  });

  it('a flood of one device ends at its minute; the others are served and nothing grows', async () => {
    const { bus, serveFrom, clock } = createTestBus({ mallory: 'member', bora: 'member' });
    const { item: _none, ...once } = echo({ name: 'test.once', idempotent: false });
    let handled = 0;
    let reads = 0;
    bus.register(once, async (input) => ((handled += 1), ok(input)));
    const input = () => lazyInput(() => ((reads += 1), ok({ text: 'x'.repeat(100) })));
    const codes = new Map<string, number>();
    for (let second = 0; second < 25; second++) {
      for (let call = 0; call < 200; call++) {
        const reply = await serveFrom('mallory', once, input(), { clientId: `${second} ${call}` });
        const code = reply.ok ? 'ok' : reply.error.code;
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
      expect(await serveFrom('bora', once, input(), { clientId: `${second}` })).toMatchObject({ ok: true });
      clock.advance(1_000);
    }
    const most = limits.callsPerMinutePerPeerMax;
    expect(Object.fromEntries(codes)).toEqual({ ok: most, rate_limited: 5_000 - most });
    expect([handled, reads, bus.inFlight()]).toEqual([most + 25, most + 25, 0]);
    expect(bus.traces.total).toBe(5_025);
  });

  it('one device cannot hold all places of a capability, nor a street of them the last', async () => {
    const street = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`mallory-${at}`, 'member' as const]));
    const { bus, serveFrom } = createTestBus({ ...street, bora: 'member' });
    const gate = createGate();
    const slow = echo({ maxConcurrent: 8 });
    bus.register(slow, gate.handler);
    const held = Array.from({ length: 50 }, () => serveFrom('mallory-0', slow, { text: 'x' }));
    await settle();
    expect(gate.begun()).toBe(4);
    held.push(serveFrom('bora', slow, { text: 'x' }));
    await settle();
    expect(gate.begun()).toBe(5);
    for (const device of Object.keys(street)) held.push(serveFrom(device, slow, { text: 'x' }));
    await settle();
    expect(gate.begun()).toBe(7);
    held.push(bus.call(slow, { text: 'own' }));
    await settle();
    expect(gate.begun()).toBe(8);
    gate.letGo();
    const ends = (await Promise.all(held)).map((reply) => (reply.ok ? 'ok' : reply.error.code));
    expect(ends.filter((end) => end === 'ok')).toHaveLength(8);
    expect(new Set(ends)).toEqual(new Set(['ok', 'capacity_exceeded']));
    expect(ends.at(-1)).toBe('ok');
  });

  it('a repeated name gives nobody the answer of another, and no foreign question its answer', async () => {
    const { bus, serveFrom } = createTestBus({ bora: 'member', chen: 'member' });
    const { item: _none, ...once } = echo({ name: 'test.once', idempotent: false });
    bus.register(once, async (input, { caller }) =>
      ok({ text: `${caller.kind === 'self' ? 'self' : caller.device} ${input.text}` }),
    );
    const outcomes: unknown[] = [];
    for (const device of ['bora', 'chen', 'bora ', 'bora'])
      for (const text of ['key', 'another']) {
        const reply = await serveFrom(device, once, { text }, { clientId: 'a' });
        outcomes.push(reply.ok ? reply.value.output : reply.error.reason);
      }
    expect(outcomes).toEqual([
      { text: 'bora key' },
      'client-id-reused',
      { text: 'chen key' },
      'client-id-reused',
      'not-a-member',
      'not-a-member',
      { text: 'bora key' },
      'client-id-reused',
    ]);
  });

  it('a stream of a caller that never ends, or is full of nonsense, costs what its handler reads', async () => {
    const { bus, serveFrom, clock } = createTestBus({ mallory: 'member' });
    const listen = { ...echo(), inputItem: object({ text: string() }) };
    let kept = 0;
    bus.register(listen, async (_input, { items }) => {
      for await (const item of items) if (item !== null && (kept += 1) === 100) break;
      return ok({ text: `${kept}` });
    });
    let made = 0;
    const endless = (item: () => unknown) => ({
      [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false as const, value: ((made += 1), item()) }) }),
    });
    expect(await serveFrom('mallory', listen, { text: 'x' }, { items: endless(() => ({ text: 'x' })) })).toMatchObject({
      ok: true,
    });
    expect([made, kept]).toEqual([100, 100]);
    for (const nonsense of [null, undefined, 7, [], { text: 5 }, 'x'.repeat(1_000)])
      expect(await serveFrom('mallory', listen, { text: 'x' }, { items: endless(() => nonsense) })).toMatchObject({
        error: { code: 'schema_mismatch', reason: 'input-item' },
      });
    expect([kept, bus.inFlight()]).toEqual([100, 0]);
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const stuck = serveFrom('mallory', listen, { text: 'x' }, { items: silent });
    await settle();
    clock.advance(1_000);
    expect(await stuck).toMatchObject({ error: { code: 'timeout' } });
    await settle();
    expect(bus.inFlight()).toBe(0);
  });
});
