import { describe, expect, it } from 'vitest';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { define } from '../../src/lib/contracts/define.ts';
import { asAny, createTestBus, echo } from './bus-fixture.ts';

const hello = { text: 'hello' };
type Text = { text: string };

describe('a registration', () => {
  it('without policy, permit or schemas is a type error and a refusal at run time', () => {
    const { bus } = createTestBus();
    const { policy, permit, input, output, ...rest } = echo();
    const answer = async (text: Text) => ok(text);
    // @ts-expect-error a capability says who may call it
    expect(() => bus.register({ ...rest, permit, input, output }, answer)).toThrow('has no policy');
    // @ts-expect-error a capability says what each caller may ask
    expect(() => bus.register({ ...rest, policy, input, output }, answer)).toThrow('has no permit');
    // @ts-expect-error a capability says what it reads
    expect(() => bus.register({ ...rest, policy, permit, output }, answer)).toThrow('has no input');
    // @ts-expect-error a capability says what it answers
    expect(() => bus.register({ ...rest, policy, permit, input }, answer)).toThrow('has no output');
    expect(bus.registry.localOffers()).toEqual([]);
    // @ts-expect-error whoever defines a capability says who may call it
    define<Text, Text>({ name: 'test.open', input, output });
    // @ts-expect-error no role of that name
    define<Text, Text>({ name: 'test.open', input, output, policy: 'everyone' });
  });

  it('of two majors lets both stand side by side, each asked by who means it, and each goes by itself', async () => {
    const { bus, callFrom } = createTestBus({ bora: 'member' });
    const versions = [
      { major: 1, minor: 2 },
      { major: 2, minor: 0 },
    ] as const;
    const [old, fresh] = versions.map((version) => echo({ version })) as [
      Capability<Text, Text, Text>,
      Capability<Text, Text, Text>,
    ];
    const closeOld = bus.register(old, async () => ok({ text: 'old' }));
    bus.register(fresh, async () => ok({ text: 'fresh' }));
    expect(() => bus.register(echo({ version: { major: 1, minor: 0 } }), async (input) => ok(input))).toThrow(
      'test.echo@1 is registered twice',
    );
    for (const [capability, text] of [
      [old, 'old'],
      [fresh, 'fresh'],
    ] as const) {
      expect(await bus.call(capability, hello)).toMatchObject({ value: { output: { text } } });
      expect(await callFrom('bora', capability, hello)).toMatchObject({ value: { output: { text } } });
    }
    expect(bus.registry.localOffers().map(({ version }) => version.major)).toEqual([1, 2]);
    closeOld();
    expect(await bus.call(old, hello)).toMatchObject({ error: { code: 'not_found' } });
    expect(await bus.call(fresh, hello)).toMatchObject({ ok: true });
    expect(bus.registry.localOffers().map(({ version }) => version.major)).toEqual([2]);
  });

  it('serves a minor version that is new enough and no other, for neighbours as for own screens', async () => {
    const { bus, callFrom } = createTestBus({ bora: 'member' });
    bus.register(echo({ version: { major: 1, minor: 2 } }), async (input) => ok(input));
    for (const [minor, isServed] of [
      [0, true],
      [2, true],
      [3, false],
    ] as const) {
      const asked = echo({ version: { major: 1, minor } });
      expect((await bus.call(asked, hello)).ok).toBe(isServed);
      expect((await callFrom('bora', asAny(asked), hello)).ok).toBe(isServed);
    }
  });

  it('tells the hash of its schemas where one is known', () => {
    const told = createTestBus({}, { schemaOf: (id) => (id === 'test.echo@1.2' ? 'AAECAwQFBgc' : '') });
    told.bus.register(echo(), async (input) => ok(input));
    told.bus.register(echo({ name: 'test.other' }), async (input) => ok(input));
    expect(told.bus.registry.localOffers().map(({ schema }) => schema)).toEqual(['AAECAwQFBgc', '']);
    const silent = createTestBus();
    silent.bus.register(echo(), async (input) => ok(input));
    expect(silent.bus.registry.localOffers()).toMatchObject([{ schema: '' }]);
  });
});

describe('the trace of a call', () => {
  it('is one for every call, whatever became of it, with who asked and how it ended', async () => {
    const { bus, serveFrom, clock } = createTestBus({ bora: 'member' });
    const { item: _none, ...once } = echo({ name: 'test.once', idempotent: false });
    bus.register(once, async (input) => ok(input));
    bus.register(echo(), async function* (input) {
      yield input;
      yield input;
      return ok(input);
    });
    await serveFrom('mallory', once, hello);
    await serveFrom('bora', once, { text: 7 });
    await serveFrom('bora', once, hello, { clientId: 'a' });
    await serveFrom('bora', once, hello, { clientId: 'a', trace: 'carried' });
    await serveFrom('bora', echo({ name: 'test.none' }), hello);
    await serveFrom('bora', once, hello, { signal: AbortSignal.abort() });
    const left = bus.stream(echo(), hello);
    await left.next();
    clock.advance(12);
    await left.return({
      ok: true,
      value: { output: hello, meta: { servedBy: '', route: 'local', ms: 0, trace: '', attempts: 0 } },
    });
    expect(bus.traces.list(10).map(({ caller, outcome, ms }) => `${caller} ${outcome} ${ms}`)).toEqual([
      'self cancelled 12',
      'bora cancelled 0',
      'bora not_found 0',
      'bora ok 0',
      'bora ok 0',
      'bora schema_mismatch 0',
      'mallory unauthorized 0',
    ]);
    expect(bus.traces.list(4)[3]).toMatchObject({ trace: 'carried' });
  });
});
