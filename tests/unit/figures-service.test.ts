import { describe, expect, it } from 'vitest';
import { nodeMetrics, nodeTraces } from '../../src/lib/contracts/node.ts';
import type { Bus } from '../../src/lib/kernel/bus/bus.ts';
import { err, ok } from '../../src/lib/kernel/result.ts';
import { createFiguresService } from '../../src/lib/services/figures/figures.ts';
import { createFiguresView } from '../../src/lib/services/figures/figures-view.ts';
import { createTestBus, echo, fails, says } from './bus-fixture.ts';
import { parseExposition } from './exposition-parser.ts';
import { settle } from './link-fixture.ts';

/** Anna's bus, with bora who answers and chen who does not, and the service that tells of it. */
const street = (prepare: (bus: Bus) => void = () => {}, isThere = true) => {
  const test = createTestBus({ bora: 'member', chen: 'member' });
  prepare(test.bus);
  const view = createFiguresView({
    bus: test.bus,
    clock: test.clock,
    selfDevice: () => 'self',
    surroundings: () => ({ build: 'b1', startedAt: 5_000, linkedNeighbours: 2, refusals: new Map() }),
  });
  const service = createFiguresService({
    bus: test.bus,
    loadView: async () => (isThere ? ok(view) : err('not-loaded')),
  });
  void service.start();
  test.neighbour('bora', echo(), says('by bora'));
  test.neighbour('chen', echo(), fails('unavailable'));
  return { ...test, service };
};
const askBora = ({ bus }: ReturnType<typeof street>) => bus.call(echo(), { text: 'hi' }, { device: 'bora' });
const askChen = ({ bus }: ReturnType<typeof street>) => bus.call(echo(), { text: 'hi' }, { device: 'chen' });

describe('node.metrics', () => {
  it('asked once gives rows and a text that a strict reader takes, and both say the same', async () => {
    const anna = street();
    await askBora(anna);
    await askChen(anna);
    const reply = await anna.bus.call(nodeMetrics, { live: false });
    if (!reply.ok) throw new Error(reply.error.reason);
    const { rows, text, calls } = reply.value.output;
    expect(calls).toBe(2);
    expect(rows.find(({ peer }) => peer === 'bora')).toMatchObject({ calls: 1, ok: 1, direction: 'asked' });
    expect(rows.find(({ peer }) => peer === 'chen')?.refusals).toEqual([{ code: 'unavailable', count: 1 }]);
    const told = parseExposition(text).find(({ name }) => name === 'hearthnet_calls_total')?.samples ?? [];
    const sum = told.reduce((total, { value }) => total + value, 0);
    expect(sum).toBe(rows.reduce((total, row) => total + row.calls, 0));
  });

  it('is refused as not loaded when the file of its views cannot be had', async () => {
    const anna = street(undefined, false);
    expect(await anna.bus.call(nodeMetrics, { live: false })).toMatchObject({
      ok: false,
      error: { code: 'unavailable', reason: 'not-loaded' },
    });
  });

  it('followed live comes at once, and then at most once a second however many calls there are', async () => {
    const anna = street();
    const live = anna.bus.stream(nodeMetrics, { live: true });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { calls, text } of live) {
        seen.push(calls);
        expect(text).toBe('');
      }
    })();
    await settle(5);
    expect(seen).toEqual([0]);
    for (let i = 0; i < 20; i++) await askBora(anna);
    anna.clock.advance(900);
    await settle(5);
    expect(seen).toEqual([0]);
    anna.clock.advance(100);
    await settle(5);
    expect(seen).toEqual([0, 20]);
    await askBora(anna);
    anna.clock.advance(1_000);
    await settle(5);
    expect(seen).toEqual([0, 20, 21]);
    void reading;
  });

  it('holds on to nothing while nobody looks, and lets go when the reader leaves', async () => {
    let listeners = 0;
    const anna = street(({ traces }) => {
      const { onAdd } = traces;
      traces.onAdd = (listener) => {
        listeners += 1;
        const stop = onAdd(listener);
        return () => ((listeners -= 1), stop());
      };
    });
    expect(listeners).toBe(0);
    const live = anna.bus.stream(nodeMetrics, { live: true });
    await live.next();
    expect(listeners).toBe(1);
    await live.return(ok({ output: { text: '', rows: [], calls: 0, inFlight: 0 }, meta: noMeta }));
    expect(listeners).toBe(0);
  });
});

const noMeta = { servedBy: '', route: 'local', ms: 0, trace: '', attempts: 0 } as const;

describe('node.traces', () => {
  const tracesOf = async (anna: ReturnType<typeof street>, only: 'all' | 'neighbours' | 'refused', most = 50) => {
    const reply = await anna.bus.call(nodeTraces, { most, only, live: false });
    if (!reply.ok) throw new Error(reply.error.reason);
    return reply.value.output.traces;
  };

  it('gives the newest first, with every candidate, every try and why', async () => {
    const anna = street();
    await askChen(anna);
    await anna.bus.call(echo(), { text: 'hi' });
    const [newest] = await tracesOf(anna, 'all', 1);
    expect(newest).toMatchObject({ caller: 'self', capability: 'test.echo@1.2', outcome: 'ok', servedBy: 'bora' });
    expect(newest?.candidates.map(({ device }) => device).toSorted()).toEqual(['bora', 'chen']);
  });

  it('gives only those with a neighbour, or only those that were refused', async () => {
    const anna = street();
    await askBora(anna);
    await askChen(anna);
    anna.bus.register(echo({ name: 'test.here' }), ({ text }) => ok({ text }));
    await anna.bus.call(echo({ name: 'test.here' }), { text: 'hi' });
    await anna.callFrom('dilek', echo(), { text: 'hi' });
    const names = (list: Awaited<ReturnType<typeof tracesOf>>) =>
      list.map(({ caller, outcome }) => `${caller} ${outcome}`);
    expect(names(await tracesOf(anna, 'refused'))).toEqual(['dilek unauthorized', 'self unavailable']);
    expect(names(await tracesOf(anna, 'neighbours'))).toEqual(['dilek unauthorized', 'self unavailable', 'self ok']);
    expect(await tracesOf(anna, 'all')).not.toHaveLength(0);
  });

  it('does not count a call as refused that anna stopped herself', async () => {
    const anna = street();
    const base = { trace: 't', at: 1, capability: 'a.b@1.0', caller: 'self', session: null, candidates: [] };
    anna.bus.traces.add({ ...base, attempts: [], servedBy: null, outcome: 'cancelled', ms: 4 });
    expect(await tracesOf(anna, 'refused')).toEqual([]);
  });

  it('tells no negative time when the clock was put back in between', async () => {
    const anna = street();
    const base = { trace: 't', at: 1, capability: 'a.b@1.0', caller: 'self', session: null, candidates: [] };
    const attempts = [{ device: 'bora', why: 'first' as const, outcome: 'ok', ms: -7.5 }];
    anna.bus.traces.add({ ...base, attempts, servedBy: 'bora', outcome: 'ok', ms: -7.5 });
    const [newest] = await tracesOf(anna, 'neighbours');
    expect([newest?.ms, newest?.attempts[0]?.ms]).toEqual([0, 0]);
  });

  it('followed live shows at most so many, at most once a second', async () => {
    const anna = street();
    const live = anna.bus.stream(nodeTraces, { live: true, most: 100_000, only: 'neighbours' as const });
    expect((await live.next()).value).toMatchObject({ traces: [], total: 0 });
    const next = live.next();
    for (let i = 0; i < 250; i++) await askBora(anna);
    anna.clock.advance(1_000);
    const step = await next;
    expect(step.done === false && step.value.traces).toHaveLength(200);
  });
});
