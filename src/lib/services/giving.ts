import { blobsHave } from '../contracts/blobs.ts';
import type { GivingView } from '../contracts/giving.ts';
import type { NodeChange } from '../contracts/node.ts';
import type { Cost } from '../kernel/bus/capability.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { BatteryClass } from '../kernel/bus/registry.ts';
import type { Givable } from '../kernel/bus/serving.ts';
import { createSignal } from '../kernel/watch.ts';

/** What the person decided and what is kept. An area that is not named is given: an ability that comes later starts switched on. */
export type GivingWish = Pick<GivingView, 'profile' | 'batterySaver'> & {
  readonly gives: Readonly<Record<string, boolean>>;
};
export const ordinaryGiving: GivingWish = { profile: 'hearth', batterySaver: 'auto', gives: {} };

export type GivingDeps = {
  /** All that this build knows; what neighbours may use of it makes the areas. */
  readonly capabilities: Iterable<Givable>;
  readonly current: () => GivingWish;
  /** False when the disk refused; nothing is changed then. */
  readonly save: (wish: GivingWish) => Promise<boolean>;
};

type Change = Pick<NodeChange, 'gives' | 'batterySaver' | 'profile' | 'battery'>;

/**
 * What this device gives to its neighbours (the bus's `Serving`). One switch an area (what stands before the first dot of a capability's name); the
 * battery saver rests all that is not cheap. What is `open` to everybody - a sign of life, a way back in - is no gift and always
 * answered. Decides alone: the bus asks here before it serves, presence before it tells.
 */
export const createGiving = ({ capabilities, current, save }: GivingDeps) => {
  const changed = createSignal();
  const costByArea = readAreas(capabilities);
  let battery: GivingView['battery'] = null;

  const isLow = (): boolean => battery !== null && !battery.charging && battery.percent < limits.batteryLowPercent;
  const isSaving = (): boolean => {
    const { batterySaver } = current();
    return batterySaver === 'on' || (batterySaver === 'auto' && isLow());
  };
  const isOn = (area: string): boolean => !costByArea.has(area) || (givesOf(current())[area] ?? true);

  const mayServe = (capability: Givable): Failure | null => {
    if (capability.policy === 'open') return null;
    if (!isOn(areaOf(capability.name))) return failure('unavailable', 'not-given');
    return isSaving() && powerOf(capability) !== 'cheap' ? failure('unavailable', 'battery-saver') : null;
  };

  const decide = async ({ gives, batterySaver, profile }: Change): Promise<Failure | null> => {
    const before = current();
    const wish: GivingWish = {
      profile: profile ?? before.profile,
      batterySaver: batterySaver ?? before.batterySaver,
      gives: { ...givesOf(before), ...gives },
    };
    if (isSame(wish, before)) return null;
    if (!(await save(wish))) return failure('quota_full', 'not-stored');
    changed.tell();
    return null;
  };
  let turn: Promise<unknown> = Promise.resolve();

  /** null: done, and everybody who asks from now on is answered by it. One after the other: each builds on the one before. */
  const configure = (change: Change): Promise<Failure | null> => {
    if (Object.keys(change.gives ?? {}).some((area) => !costByArea.has(area)))
      return Promise.resolve(failure('bad_request', 'area-unknown'));
    if (change.battery !== undefined && !isSame(change.battery, battery)) {
      battery = change.battery;
      changed.tell();
    }
    const work = turn.then(() => decide(change));
    turn = work.catch(() => undefined);
    return work;
  };

  return {
    mayServe,
    leansOnNeighbours: (): boolean => current().profile === 'spark',
    onChange: changed.on,
    configure,
    isSaving,
    batteryClass: (): BatteryClass => {
      if (!battery) return 'unknown';
      if (battery.charging) return 'mains';
      return isLow() ? 'low' : 'good';
    },
    view: (): GivingView => ({
      profile: current().profile,
      batterySaver: current().batterySaver,
      battery,
      isSaving: isSaving(),
      areas: [...costByArea].map(([area, cost]) => ({
        area,
        cost,
        isOn: isOn(area),
        isResting: isOn(area) && isSaving() && cost !== 'cheap',
      })),
    }),
  };
};
export type Giving = ReturnType<typeof createGiving>;

const costs: readonly Cost[] = ['cheap', 'normal', 'heavy'];

/** Every area that a neighbour may be given, with the cost of its most expensive ability. */
const readAreas = (capabilities: Iterable<Givable>): ReadonlyMap<string, Cost> => {
  const costByArea = new Map<string, Cost>();
  for (const capability of capabilities) {
    const { name, policy, routable } = capability;
    if (!routable || policy === 'self' || policy === 'open') continue;
    const cost = powerOf(capability);
    const known = costByArea.get(areaOf(name)) ?? 'cheap';
    costByArea.set(areaOf(name), costs.indexOf(cost) > costs.indexOf(known) ? cost : known);
  }
  return costByArea;
};

/**
 * What giving it costs the battery: the call, and what follows from it. To say which files are here is quick, but the chunks that a
 * neighbour then takes, on a channel of their own, are not; a device that rests does not promise them.
 */
const powerOf = ({ name, cost }: Givable): Cost => (name === blobsHave.name && cost === 'cheap' ? 'normal' : cost);

const areaOf = (name: string): string => name.slice(0, name.indexOf('.'));

/** Without what an object has by itself: an area may have any name. */
const givesOf = ({ gives }: GivingWish): Record<string, boolean> => Object.assign(Object.create(null), gives);

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
