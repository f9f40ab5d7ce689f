import { nodeConfigure, type NodeChange, type NodeInfo } from '../contracts/node.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import type { Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';

export type GivingView = NodeInfo['giving'];
/** Below it the saver begins by itself. */
export const batteryLowPercent = limits.batteryLowPercent;
/** What of the page a change belongs to: an area's switch, the saver or the profile. */
type Part = `area:${string}` | 'saver' | 'profile';

/** What neighbours can really use now: switched on and not at rest. */
export const givenAreas = (view: GivingView): readonly string[] =>
  view.areas.filter(({ isOn, isResting }) => isOn && !isResting).map(({ area }) => area);

/** The person's switches. Each change is on at once; one that was refused says why, beside what it was about. */
export const createGivingState = ({ bus }: { readonly bus: BusClient }) => {
  let failures = $state.raw<ReadonlyMap<Part, Failure>>(new Map());

  const change = async (part: Part, wish: NodeChange): Promise<boolean> => {
    const reply = await bus.call(nodeConfigure, wish);
    const next = new Map(failures);
    if (reply.ok) next.delete(part);
    else next.set(part, reply.error);
    failures = next;
    return reply.ok;
  };

  return {
    failureOf: (part: Part): Failure | null => failures.get(part) ?? null,
    give: (area: string, isOn: boolean) => change(`area:${area}`, { gives: { [area]: isOn } }),
    save: (batterySaver: GivingView['batterySaver']) => change('saver', { batterySaver }),
    be: (profile: GivingView['profile']) => change('profile', { profile }),
  };
};
export type GivingState = ReturnType<typeof createGivingState>;
