import { describe, expect, it } from 'vitest';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { createBus } from '../../src/lib/kernel/bus/bus.ts';
import type { Caller } from '../../src/lib/kernel/bus/capability.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import type { Givable } from '../../src/lib/kernel/bus/serving.ts';
import { openSettings } from '../../src/lib/node/settings.ts';
import { createGiving, ordinaryGiving, type GivingWish } from '../../src/lib/services/giving.ts';
import { createMemoryDisk, createMemoryStore } from '../../src/lib/stores/memory-store.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { asAny, echo, type Echo } from './bus-fixture.ts';
import { settle } from './link-fixture.ts';

const capability = (name: string, over: Partial<Givable> = {}): Givable => ({
  name,
  policy: 'member',
  cost: 'normal',
  routable: true,
  ...over,
});
const catalogue: readonly Givable[] = [
  capability('library.search'),
  capability('library.read', { cost: 'cheap' }),
  capability('library.ingest', { policy: 'self', routable: false }),
  capability('llm.chat', { cost: 'heavy' }),
  capability('mesh.ping', { policy: 'open' }),
  capability('devices.adopt', { policy: 'open', routable: false }),
  capability('node.info', { policy: 'self', routable: false }),
  capability('times.now', { cost: 'cheap' }),
];
const bora: Caller = { kind: 'device', device: 'bora' };

const annasGiving = (capabilities: readonly Givable[] = catalogue, first: GivingWish = ordinaryGiving) => {
  const world = { wish: first, isDiskFull: false, told: 0 };
  const giving = createGiving({
    capabilities,
    current: () => world.wish,
    save: async (wish) => {
      if (world.isDiskFull) return false;
      await settle(1);
      world.wish = wish;
      return true;
    },
  });
  giving.onChange(() => (world.told += 1));
  const reasonOf = (name: string) => {
    const found = capabilities.find((each) => each.name === name);
    return found ? (giving.mayServe(found)?.reason ?? 'given') : 'unknown';
  };
  return { giving, world, reasonOf };
};

describe('what a device gives', () => {
  it('has a switch for each area that neighbours may use, with its cost; what is open to all and own screens have none', () => {
    const { giving } = annasGiving();
    expect(giving.view()).toEqual({
      profile: 'hearth',
      batterySaver: 'auto',
      battery: null,
      isSaving: false,
      areas: [
        { area: 'library', cost: 'normal', isOn: true, isResting: false },
        { area: 'llm', cost: 'heavy', isOn: true, isResting: false },
        { area: 'times', cost: 'cheap', isOn: true, isResting: false },
      ],
    });
  });

  it('is all that this build can do, until a person says otherwise', () => {
    const { giving } = annasGiving([...contractsByName.values()]);
    expect(giving.view().areas.map(({ area, isOn }) => [area, isOn])).toEqual([
      ['library', true],
      ['blobs', true],
    ]);
  });

  it('changes area by area, each refused with its reason from then on, and everybody is told once', async () => {
    const { giving, world, reasonOf } = annasGiving();
    expect(await giving.configure({ gives: { library: false } })).toBeNull();
    expect(['library.search', 'library.read', 'llm.chat', 'mesh.ping'].map(reasonOf)).toEqual([
      'not-given',
      'not-given',
      'given',
      'given',
    ]);
    expect(giving.mayServe(capability('library.search'))).toEqual({ code: 'unavailable', reason: 'not-given' });
    expect(world.told).toBe(1);
    expect(await giving.configure({ gives: { library: false } })).toBeNull();
    expect(world.told).toBe(1);
    await giving.configure({ gives: { library: true } });
    expect([reasonOf('library.search'), world.told]).toEqual(['given', 2]);
  });

  it('of two changes at the same time keeps both', async () => {
    const { giving } = annasGiving();
    await Promise.all([
      giving.configure({ gives: { library: false } }),
      giving.configure({ gives: { llm: false } }),
      giving.configure({ profile: 'spark' }),
    ]);
    expect(giving.view()).toMatchObject({ profile: 'spark' });
    expect(giving.view().areas.filter(({ isOn }) => isOn)).toEqual([expect.objectContaining({ area: 'times' })]);
  });

  it('cannot be changed for an area that nobody knows, nor past a full disk; then nothing changes', async () => {
    const { giving, world, reasonOf } = annasGiving();
    for (const area of ['node', 'mesh', '__proto__', 'toString', 'llm.chat'])
      expect(await giving.configure({ gives: JSON.parse(`{"${area}": false}`) })).toMatchObject({
        code: 'bad_request',
        reason: 'area-unknown',
      });
    world.isDiskFull = true;
    expect(await giving.configure({ gives: { library: false } })).toMatchObject({ code: 'quota_full' });
    expect([reasonOf('library.search'), world.told]).toEqual(['given', 0]);
  });

  it('rests when the battery is low and nothing charges: all but what is cheap, until it charges', async () => {
    const { giving, world, reasonOf } = annasGiving();
    const all = () => ['library.search', 'library.read', 'llm.chat', 'times.now', 'mesh.ping'].map(reasonOf);
    const resting = ['battery-saver', 'given', 'battery-saver', 'given', 'given'];
    const awake = ['given', 'given', 'given', 'given', 'given'];
    const classes: string[] = [giving.batteryClass()];
    for (const [percent, charging, expected] of [
      [20, false, awake],
      [19, false, resting],
      [19, true, awake],
      [3, false, resting],
    ] as const) {
      await giving.configure({ battery: { percent, charging } });
      expect([percent, charging, all()]).toEqual([percent, charging, expected]);
      classes.push(giving.batteryClass());
    }
    expect(classes).toEqual(['unknown', 'good', 'low', 'mains', 'low']);
    expect(giving.view().areas.map(({ area, isResting }) => [area, isResting])).toEqual([
      ['library', true],
      ['llm', true],
      ['times', false],
    ]);
    await giving.configure({ battery: null });
    expect([all(), world.told]).toEqual([awake, 5]);
  });

  it('leaves on while it rests what costs hardly anything, and promises no files whose chunks it would not send', async () => {
    const { giving, reasonOf } = annasGiving([...contractsByName.values()]);
    await giving.configure({ batterySaver: 'on' });
    const given = [...contractsByName.values()].filter(({ name, routable }) => routable && reasonOf(name) === 'given');
    expect(given.map(({ name }) => name).toSorted()).toEqual(['library.read', 'mesh.ping']);
    expect(giving.view().areas).toEqual([
      { area: 'library', cost: 'normal', isOn: true, isResting: true },
      { area: 'blobs', cost: 'normal', isOn: true, isResting: true },
    ]);
  });

  it('rests when the person says so, whatever the battery says, and does not when they forbid it', async () => {
    const { giving, reasonOf } = annasGiving();
    await giving.configure({ batterySaver: 'on', battery: { percent: 100, charging: true } });
    expect([reasonOf('llm.chat'), giving.isSaving()]).toEqual(['battery-saver', true]);
    await giving.configure({ batterySaver: 'off', battery: { percent: 2, charging: false } });
    expect([reasonOf('llm.chat'), giving.isSaving(), giving.batteryClass()]).toEqual(['given', false, 'low']);
  });

  it('leans on neighbours as a spark only', async () => {
    const { giving } = annasGiving();
    const leaning: boolean[] = [];
    for (const profile of ['hearth', 'spark', 'anchor'] as const) {
      await giving.configure({ profile });
      leaning.push(giving.leansOnNeighbours());
    }
    expect(leaning).toEqual([false, true, false]);
  });

  it('is kept over a restart, and what an old disk holds in another shape counts as never decided', async () => {
    const disk = createMemoryDisk();
    const settings = await openSettings(createMemoryStore({ disk }));
    expect(settings.current().giving).toEqual(ordinaryGiving);
    const wish: GivingWish = { profile: 'spark', batterySaver: 'on', gives: { library: false } };
    await settings.save({ giving: wish });
    expect((await openSettings(createMemoryStore({ disk }))).current().giving).toEqual(wish);
    for (const odd of [
      7,
      null,
      'x',
      { profile: 'king', batterySaver: 1, gives: 'all' },
      { gives: { library: 'no' } },
    ]) {
      const store = createMemoryStore({ disk: createMemoryDisk() });
      await store.commit({ kv: [{ key: 'settings', value: { giving: odd } }] }, 'strict');
      expect((await openSettings(store)).current().giving).toEqual(ordinaryGiving);
    }
  });
});

describe('the bus of a device that gives', () => {
  const pump: Echo = echo({ name: 'pump.turn', timeoutMs: 60_000 });
  const annasBus = () => {
    const { giving } = annasGiving([pump as unknown as Givable]);
    const bus = createBus({
      clock: createVirtualClock(),
      random: seededRandom('giving'),
      self: () => 'anna',
      views: { roleOf: () => 'member' },
      remote: {
        // eslint-disable-next-line require-yield -- nobody is near
        stream: async function* () {
          throw new Error('nobody is near');
        },
      },
      serving: giving,
    });
    const turn = (caller: Caller) => bus.serve(caller, asAny(pump), { text: 'x' }, {}).next();
    return { bus, giving, turn };
  };

  it("ends a neighbour's running call at once when its area is switched off, and lets anna's own go on", async () => {
    const { bus, giving, turn } = annasBus();
    const signals: AbortSignal[] = [];
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    bus.register(pump, async (input, { signal }) => {
      signals.push(signal);
      await finished;
      return ok(input);
    });
    const byBora = turn(bora);
    const byAnna = turn({ kind: 'self' });
    await settle();
    await giving.configure({ gives: { pump: false } });
    await settle();
    expect(await byBora).toMatchObject({
      value: { ok: false, error: { code: 'unavailable', reason: 'switched-off' } },
    });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    finish();
    expect(await byAnna).toMatchObject({ value: { ok: true } });
    expect(await turn(bora)).toMatchObject({ value: { ok: false, error: { reason: 'not-given' } } });
    expect(await turn({ kind: 'self' })).toMatchObject({ value: { ok: true } });
  });

  it('refuses a neighbour while the battery is saved, and serves again when it charges', async () => {
    const { bus, giving, turn } = annasBus();
    bus.register(pump, async (input) => ok(input));
    await giving.configure({ battery: { percent: 12, charging: false } });
    expect(await turn(bora)).toMatchObject({ value: { error: { code: 'unavailable', reason: 'battery-saver' } } });
    await giving.configure({ battery: { percent: 13, charging: true } });
    expect(await turn(bora)).toMatchObject({ value: { ok: true } });
  });
});
