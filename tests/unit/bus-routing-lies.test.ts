import { describe, expect, it } from 'vitest';
import { failure } from '../../src/lib/kernel/errors.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import { createTestBus, echo, fails, offerOf, says } from './bus-fixture.ts';

const hello = { text: 'hello' };
const busy = (retryAfterMs?: number) => async () => err(failure('capacity_exceeded', 'busy', retryAfterMs));

describe('a provider that promises what it does not keep', () => {
  it('is left alone after twenty calls: it has not what it offers, or answers what the contract does not know', async () => {
    for (const lie of [fails('not_found', 'no-handler'), async () => ok({ text: 7 })]) {
      const { bus, neighbour, asked } = createTestBus();
      neighbour('mallory', echo(), lie as ReturnType<typeof fails>);
      for (let call = 0; call < 25; call++) await bus.call(echo(), hello);
      expect(asked).toHaveLength(20);
      expect(bus.traces.list(1)[0]).toMatchObject({ outcome: 'unavailable', candidates: [{ skipped: 'quarantined' }] });
    }
  });

  it('is not blamed for lacking what one caller wanted of it and nobody else', async () => {
    const { bus, neighbour, asked } = createTestBus();
    neighbour('bora', echo(), fails('not_found', 'document'));
    for (let call = 0; call < 25; call++) await bus.call(echo(), hello, { device: 'bora' });
    expect(asked).toHaveLength(25);
  });

  it('does not come first for claiming no load: only its own answers make it fast', async () => {
    const { bus, clock, neighbour } = createTestBus();
    const capability = echo({ timeoutMs: 10_000 });
    neighbour('mallory', capability, async () => (clock.advance(1_200), ok({ text: 'm' })), { loadPercent: -1e9 });
    neighbour('bora', capability, async () => (clock.advance(50), ok({ text: 'b' })), { loadPercent: 90 });
    const servers: string[] = [];
    for (let call = 0; call < 4; call++) {
      const reply = await bus.call(capability, hello);
      servers.push(reply.ok ? reply.value.meta.servedBy : '');
    }
    expect(servers).toEqual(['mallory', 'bora', 'bora', 'bora']);
  });

  it('is full for as long as it said, although its presence says that it has room', async () => {
    const { bus, clock, neighbour, asked } = createTestBus();
    neighbour('bora', echo(), busy(3_000));
    expect(await bus.call(echo(), hello)).toMatchObject({ error: { code: 'capacity_exceeded', retryAfterMs: 3_000 } });
    bus.registry.setRemote('bora', [offerOf(echo(), { isFull: false, loadPercent: 0 })], clock.now());
    clock.advance(1_000);
    expect(await bus.call(echo(), hello)).toMatchObject({
      error: { code: 'capacity_exceeded', reason: 'all-busy', retryAfterMs: 2_000 },
    });
    expect(asked).toHaveLength(1);
    clock.advance(2_000);
    await bus.call(echo(), hello);
    expect(asked).toHaveLength(2);
  });

  it('who is told to wait comes back when the first of all has room', async () => {
    const { bus, neighbour } = createTestBus();
    neighbour('bora', echo(), busy(900));
    neighbour('chen', echo(), busy(40_000));
    expect(await bus.call(echo(), hello)).toMatchObject({ error: { code: 'capacity_exceeded', retryAfterMs: 900 } });
  });

  it('is not asked when it means something else by the same version', async () => {
    const { bus, neighbour, asked } = createTestBus({}, { schemaOf: (id) => (id === 'test.echo@1.2' ? 'ours' : '') });
    neighbour('mallory', echo(), says('m'), { schema: 'theirs' });
    expect(await bus.call(echo(), hello)).toMatchObject({ error: { code: 'unavailable', reason: 'schema' } });
    neighbour('bora', echo(), says('b'), { schema: 'ours' });
    expect(await bus.call(echo(), hello)).toMatchObject({ value: { meta: { servedBy: 'bora' } } });
    expect(asked).toHaveLength(1);
  });
});

describe("this device's own health", () => {
  it('is not judged by how it serves its neighbours', async () => {
    const { bus, serveFrom } = createTestBus({ mallory: 'member' });
    bus.register(echo(), fails('unavailable'));
    for (let call = 0; call < 30; call++) await serveFrom('mallory', echo(), hello);
    expect(bus.health.of('self', 'test.echo', 0)).toMatchObject({ calls: 0, quarantined: false });
  });
});

describe('a device that leans on its neighbours', () => {
  const leaning = (leans: () => boolean) =>
    createTestBus(
      { bora: 'member' },
      { serving: { mayServe: () => null, leansOnNeighbours: leans, onChange: () => () => {} } },
    );

  it('uses its own ability only when nobody else can, and what only it can do at once', async () => {
    let leans = true;
    const { bus, neighbour } = leaning(() => leans);
    let answer = says('from bora') as ReturnType<typeof says> | ReturnType<typeof fails>;
    neighbour('bora', echo(), () => answer() as never);
    bus.register(echo(), async () => ok({ text: 'own' }));
    const text = async (capability = echo()) => {
      const reply = await bus.call(capability, hello);
      return reply.ok ? reply.value.output.text : reply.error.code;
    };
    expect(await text()).toBe('from bora');
    leans = false;
    expect(await text()).toBe('own');
    leans = true;
    answer = fails('unavailable');
    expect(await text()).toBe('own');
    const ownOnly = echo({ name: 'test.own', routable: false });
    bus.register(ownOnly, async () => ok({ text: 'mine' }));
    expect(await text(ownOnly)).toBe('mine');
  });

  it('forwards nobody: what a neighbour asks of it, it does itself', async () => {
    const { bus, neighbour, asked, serveFrom } = leaning(() => true);
    neighbour('chen', echo(), says('from chen'));
    bus.register(echo(), async () => ok({ text: 'own' }));
    expect(await serveFrom('bora', echo(), hello)).toMatchObject({ value: { output: { text: 'own' } } });
    expect(asked).toEqual([]);
  });
});

describe('the trace of a call', () => {
  it('is there too when its reader left before the end, and says so', async () => {
    const { bus, neighbour } = createTestBus();
    neighbour('bora', echo(), async function* () {
      yield { text: 'one' };
      yield { text: 'two' };
      return ok({ text: 'end' });
    });
    const stream = bus.stream(echo(), hello);
    await stream.next();
    await stream.return({ ok: false, error: failure('cancelled', 'left') });
    expect(bus.traces.list(9)).toMatchObject([
      { outcome: 'cancelled', servedBy: null, attempts: [{ device: 'bora', why: 'first', outcome: 'cancelled' }] },
    ]);
    expect(bus.health.of('bora', 'test.echo', 0).calls).toBe(0);
  });

  it('names the probe that ended a quarantine', async () => {
    const { bus, clock, neighbour } = createTestBus();
    neighbour('bora', echo(), says('well'));
    for (let call = 0; call < 20; call++)
      bus.health.record('bora', 'test.echo', { kind: 'failed', ms: 1 }, clock.now());
    clock.advance(60_000);
    await bus.call(echo(), hello);
    expect(bus.traces.list(1)[0]?.attempts).toMatchObject([{ device: 'bora', why: 'probe', outcome: 'ok' }]);
  });
});
