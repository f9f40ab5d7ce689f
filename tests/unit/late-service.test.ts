import { describe, expect, it } from 'vitest';
import type { Bus } from '../../src/lib/kernel/bus/bus.ts';
import { createStops, type Startable } from '../../src/lib/kernel/lifecycle.ts';
import { err, ok, type Result } from '../../src/lib/kernel/result.ts';
import { createLateService } from '../../src/lib/node/late-service.ts';
import type { PartRefusal } from '../../src/lib/node/load-part.ts';
import { settle } from '../support/virtual-clock.ts';
import { createTestBus, echo, says } from './bus-fixture.ts';

const ask = echo({ policy: 'self' });
const shout = echo({ name: 'test.shout', policy: 'self' });

/** A part with two capabilities, which can be had or not, and counts what became of it. */
const house = (wish: { isWantedSoon?: boolean; registers?: unknown } = {}) => {
  const { bus } = createTestBus();
  const seen = { loads: 0, starts: 0, stops: 0 };
  const state = { isThere: true, gate: Promise.resolve() };
  const services = (at: Bus): Startable[] => {
    const stops = createStops();
    return [
      {
        start: () => {
          seen.starts += 1;
          stops.add(at.register(ask, says('late'), () => ({ corpus: ['pump'] })));
          stops.add(
            at.register((wish.registers as typeof shout | undefined) ?? shout, async function* ({ text }) {
              yield { text: `${text}!` };
              yield { text: `${text}!!` };
              return ok({ text });
            }),
          );
        },
        stop: () => {
          seen.stops += 1;
          stops.run();
        },
      },
    ];
  };
  const load = async (): Promise<Result<typeof services, PartRefusal>> => {
    seen.loads += 1;
    await state.gate;
    return state.isThere ? ok(services) : err('not-loaded');
  };
  return {
    bus,
    seen,
    state,
    late: createLateService({ bus, capabilities: [ask, shout], load, isWantedSoon: wish.isWantedSoon ?? false }),
  };
};

describe('a late service', () => {
  it('is offered from the start, loaded by the first call, once for all who ask', async () => {
    const { bus, seen, late } = house();
    await late.start();
    expect(bus.registry.localOffers().map(({ name }) => name)).toEqual(['test.echo', 'test.shout']);
    expect(seen).toEqual({ loads: 0, starts: 0, stops: 0 });
    const answers = await Promise.all([bus.call(ask, { text: 'a' }), bus.call(ask, { text: 'b' })]);
    expect(answers).toMatchObject([{ value: { output: { text: 'late' } } }, { ok: true }]);
    const items = [];
    for await (const { text } of bus.stream(shout, { text: 'c' })) items.push(text);
    expect(items).toEqual(['c!', 'c!!']);
    expect(seen).toEqual({ loads: 1, starts: 1, stops: 0 });
  });

  it('is loaded behind the start where it is wanted soon', async () => {
    const { seen, late } = house({ isWantedSoon: true });
    await late.start();
    await settle();
    expect(seen).toEqual({ loads: 1, starts: 1, stops: 0 });
  });

  it('tells neighbours what its offer holds as soon as it knows', async () => {
    const { bus, late } = house({ isWantedSoon: true });
    const told: unknown[] = [];
    bus.registry.onChange(() => told.push(bus.registry.localOffers()[0]?.params));
    await late.start();
    await settle();
    expect(told.at(-1)).toEqual({ corpus: ['pump'] });
    await late.stop();
    expect(bus.registry.localOffers()).toEqual([]);
  });

  it('that cannot be had says so, and is tried again by the next call', async () => {
    const { bus, seen, state, late } = house();
    await late.start();
    state.isThere = false;
    expect(await bus.call(ask, { text: 'a' })).toMatchObject({ error: { code: 'unavailable', reason: 'not-loaded' } });
    state.isThere = true;
    expect(await bus.call(ask, { text: 'a' })).toMatchObject({ ok: true });
    expect(seen).toEqual({ loads: 2, starts: 1, stops: 0 });
  });

  it('stopped while it loads is never started, and stopped twice is stopped once', async () => {
    const { bus, seen, state, late } = house({ isWantedSoon: true });
    let open = (): void => {};
    state.gate = new Promise((resolve) => (open = resolve));
    await late.start();
    await late.stop();
    open();
    await settle();
    expect(seen).toEqual({ loads: 1, starts: 0, stops: 0 });
    expect(bus.registry.localOffers()).toEqual([]);
    await late.start();
    expect(await bus.call(ask, { text: 'a' })).toMatchObject({ ok: true });
    await late.stop();
    await late.stop();
    expect(seen).toEqual({ loads: 2, starts: 1, stops: 1 });
  });

  it('cannot register what has no stand-in: nobody would ever reach it', async () => {
    const { bus, late } = house({ registers: echo({ name: 'test.hidden', policy: 'self' }) });
    await late.start();
    expect(await bus.call(ask, { text: 'a' })).toMatchObject({
      error: { code: 'internal', reason: 'capability test.hidden has no stand-in' },
    });
  });
});
