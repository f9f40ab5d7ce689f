import {
  communityAgree,
  communityMembers,
  communityPromote,
  communityPropose,
} from '../../src/lib/contracts/community.ts';
import type { SimDevice } from './device.ts';
import type { DiskCopy } from './disk.ts';
import type { World } from './world.ts';

/** What changes who is in, or who somebody is. `who` and `target` are places in the list of members; 0 founded the neighbourhood. */
export type Upheaval =
  | { readonly type: 'promote'; readonly atMs: number; readonly target: number }
  | { readonly type: 'remove'; readonly atMs: number; readonly target: number }
  /** The disk is copied, and later found as it was then: a backup put back, a profile cloned. */
  | { readonly type: 'copy'; readonly atMs: number; readonly who: number }
  | { readonly type: 'put-back'; readonly atMs: number; readonly who: number }
  /** Mallory signs two events for one place and tells each to other neighbours. */
  | { readonly type: 'equivocate'; readonly atMs: number }
  | { readonly type: 'freeze'; readonly atMs: number; readonly who: number; readonly forMs: number };

const agreeWithinMs = 4 * 60_000;
const lookEveryMs = 5_000;

/** Carries upheavals out, and knows whose words and disks may no longer be held to the promises made to everybody else. */
export const createUpheavals = (world: World, members: readonly SimDevice[], equivocate: () => Promise<boolean>) => {
  const copies = new Map<SimDevice, DiskCopy>();
  const shaken = new Set<SimDevice>();
  const removedAt = new Map<SimDevice, number>();
  const underWay = new Set<Promise<unknown>>();
  let attempts = 0;

  const begin = (work: Promise<unknown>): void => {
    underWay.add(work);
    void work.finally(() => underWay.delete(work));
  };

  const nodeOf = (at: number) => members[at]?.node() ?? null;
  const founder = (): SimDevice => {
    const [first] = members;
    if (!first) throw new Error('nobody is there');
    return first;
  };
  const personAt = (at: number): string | null => {
    const device = members[at];
    const membership = founder().node()?.current()?.membership();
    return device && membership ? membership.personOf(device.id) : null;
  };
  /** Whether somebody is in, as another one's log says. */
  const isInFor = (device: SimDevice, eyes: SimDevice): boolean =>
    [...device.ids].some((id) => eyes.node()?.current()?.membership().roleOf(id) != null);

  const promote = async (target: number): Promise<void> => {
    const person = personAt(target);
    if (person !== null && nodeOf(0)) await world.call(founder(), communityPromote, { person, role: 'trusted' });
  };

  /** The founder asks; whoever may agree does as soon as they hear of it. It may come to nothing, where too many are out of reach. */
  const remove = async (target: number): Promise<void> => {
    const person = personAt(target);
    const device = members[target];
    if (person === null || !device || !nodeOf(0)) return;
    shaken.add(device);
    attempts += 1;
    const asked = await world.call(founder(), communityPropose, { act: 'remove', person, reason: 'the seed says so' });
    if (asked === 'lost' || !asked.ok || asked.value.output.done) return;
    const { proposal } = asked.value.output;
    for (let waitedMs = 0; waitedMs < agreeWithinMs; waitedMs += lookEveryMs) {
      await world.pause(lookEveryMs);
      for (const other of members) if (other !== device && (await agree(other, proposal))) return;
    }
  };

  const agree = async (who: SimDevice, proposal: string): Promise<boolean> => {
    if (!who.node()) return false;
    const { proposals: open } = await world.until(who, communityMembers, {}, () => true);
    if (!open.some((each) => each.proposal === proposal && each.mayAgree)) return false;
    const agreed = await world.call(who, communityAgree, { proposal });
    return agreed !== 'lost' && agreed.ok && agreed.value.output.done;
  };

  const putBack = (who: number): void => {
    const device = members[who];
    const copy = device && copies.get(device);
    if (!device || !copy || device.isStarting()) return;
    shaken.add(device);
    device.kill();
    device.putBack(copy);
  };

  const freeze = async (who: number, forMs: number): Promise<void> => {
    const device = members[who];
    if (!device) return;
    const clock = device.clock();
    clock.freeze();
    await world.pause(forMs);
    clock.thaw();
  };

  return {
    perform: (act: Upheaval): void => {
      switch (act.type) {
        case 'promote':
          return begin(promote(act.target));
        case 'remove':
          return begin(remove(act.target));
        case 'copy': {
          const device = members[act.who];
          return device && void copies.set(device, device.copyDisk());
        }
        case 'put-back':
          return putBack(act.who);
        case 'equivocate':
          return begin(
            equivocate().then((isDone) => {
              const mallory = members.at(-1);
              if (isDone && mallory) shaken.add(mallory);
            }),
          );
        case 'freeze':
          return begin(freeze(act.who, act.forMs));
      }
    },
    /** Resolves when nothing of it is under way any more. */
    settled: async (): Promise<void> => {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
    /** Who is still in, as the founder's log says. While the founder is down: everybody. */
    staying: (): SimDevice[] =>
      nodeOf(0)?.current() ? members.filter((member) => isInFor(member, founder())) : [...members],
    /** Whose words may be lost and whose disk may hold less than was promised: put back, equivocating, or asked to go. */
    isShaken: (device: SimDevice): boolean => shaken.has(device),
    isAnybodyShaken: (): boolean => shaken.size > 0,
    /** Notes when everybody who stays has heard of a removal: from then on nothing may reach who is out. */
    look: (): void => {
      if (attempts === 0) return;
      for (const device of members) {
        if (removedAt.has(device)) continue;
        const others = members.filter((other) => other !== device && isInFor(other, founder()));
        const haveAllHeard = others.every((other) => other.node()?.current() && !isInFor(device, other));
        if (founder().node()?.current() && haveAllHeard) removedAt.set(device, world.clock.now());
      }
    },
    removedAt: (): ReadonlyMap<SimDevice, number> => removedAt,
  };
};
export type Upheavals = ReturnType<typeof createUpheavals>;

export const describeUpheaval = (act: Upheaval, name: (who: number) => string): string => {
  switch (act.type) {
    case 'promote':
      return `${name(0)} trusts ${name(act.target)}`;
    case 'remove':
      return `${name(0)} asks to remove ${name(act.target)}`;
    case 'copy':
      return `${name(act.who)}'s disk is copied`;
    case 'put-back':
      return `${name(act.who)}'s disk is found as it was copied`;
    case 'equivocate':
      return 'mallory tells two stories';
    case 'freeze':
      return `${name(act.who)} is frozen for ${(act.forMs / 1000).toFixed(0)} s`;
  }
};
