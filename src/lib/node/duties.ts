import type { Startable } from '../kernel/lifecycle.ts';
import { hlcToMs } from '../kernel/hlc.ts';
import { limits } from '../kernel/limits.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { CryptoPort } from '../kernel/ports/crypto.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';
import { writeCheckpoint } from '../log/acts-checkpoints.ts';
import { createKeyActs } from '../log/acts-keys.ts';
import { createPeopleActs } from '../log/acts-people.ts';
import type { CheckpointBody } from '../log/checkpoint.ts';
import { findDueCheckpoint } from '../log/checkpoints.ts';
import type { Membership, OpenProposal } from '../log/membership.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import type { Device } from './device.ts';

/** What a trusted device has to write for everybody, found by looking at the fold. */
export type Duty =
  | { readonly what: 'complete'; readonly proposal: OpenProposal }
  | { readonly what: 'rotate'; readonly because: 'no-epoch' | 'stale' | 'old' | 'unreadable' }
  | { readonly what: 'reseal'; readonly devices: readonly string[] }
  | { readonly what: 'checkpoint'; readonly checkpoint: CheckpointBody };

export type DutiesDeps = {
  readonly crypto: CryptoPort;
  readonly random: Random;
  readonly clock: Clock;
  readonly communityClock: Clock;
  readonly device: Device;
  readonly here: Neighbourhood;
};

/**
 * Does what nobody in particular has to do: an act that enough people have agreed on is written, and a community key that
 * a device which is out could read, that is a month old, or that somebody who is in lacks, is replaced or sealed again. Every
 * trusted device would; the more senior first, so that the others find it done. What a closed month came to every trusted
 * person says for themselves.
 */
export const createDuties = (deps: DutiesDeps): Startable => {
  const { random, clock, here, device } = deps;
  const keys = createKeyActs(deps);
  const people = createPeopleActs({ random, device: device.keys });
  let cancel: (() => void) | null = null;
  let isWorking = false;
  let stops: (() => void)[] = [];

  const due = (): Duty | null =>
    findDuty(here.membership(), {
      device: device.device,
      hasKey: (epoch) => here.currentKey()?.epoch === epoch,
      nowMs: deps.communityClock.now(),
      dueCheckpoint: (person) =>
        findDueCheckpoint({ log: here.log, membership: here.membership(), person, nowMs: deps.communityClock.now() }),
    });

  const look = (): void => {
    if (cancel || isWorking || stops.length === 0 || !due()) return;
    const pauseMs = limits.dutyPauseMs * (1 + placeAmongTrusted(here.membership(), device.person));
    cancel = clock.after(pauseMs + randomInt(random, limits.dutyPauseMs), () => {
      cancel = null;
      void work();
    });
  };

  const work = async (): Promise<void> => {
    const duty = due();
    if (!duty || stops.length === 0) return;
    isWorking = true;
    try {
      // What the store refuses now is due again at the next look.
      if (duty.what === 'complete') await people.complete(here, duty.proposal);
      else if (duty.what === 'rotate') await keys.rotate(here);
      else if (duty.what === 'reseal') await keys.reseal(here, duty.devices);
      else await writeCheckpoint(here, duty.checkpoint);
    } finally {
      isWorking = false;
    }
  };

  return {
    start: () => {
      stops = [here.onChange(look), every(clock, () => limits.dutyLookMs, look)];
      look();
    },
    stop: () => {
      for (const stop of stops) stop();
      stops = [];
      cancel?.();
      cancel = null;
    },
  };
};

/** null for whoever is not trusted, and when everything is in order. */
export const findDuty = (
  membership: Membership,
  self: {
    readonly device: string;
    readonly nowMs: number;
    hasKey(epoch: string): boolean;
    dueCheckpoint(person: string): CheckpointBody | null;
  },
): Duty | null => {
  const role = membership.roleOf(self.device);
  if (role === null || role === 'member') return null;
  const person = membership.personOf(self.device);
  const agreed = membership.proposals.find(
    ({ agreements, needed, person: target }) => agreements.length >= needed && target !== person,
  );
  if (agreed) return { what: 'complete', proposal: agreed };
  const current = membership.epochs.at(-1);
  if (!current) return { what: 'rotate', because: 'no-epoch' };
  const sealedTo = new Set(
    membership.sealedKeys.filter(({ epoch }) => epoch === current.epoch).map((sealed) => sealed.device),
  );
  if ([...sealedTo].some((device) => membership.roleOf(device) === null)) return { what: 'rotate', because: 'stale' };
  // The distance: an epoch dated into the far future is as due as an old one.
  if (Math.abs(self.nowMs - hlcToMs(current.hlc)) > limits.keyLifeMs) return { what: 'rotate', because: 'old' };
  if (!self.hasKey(current.epoch)) return { what: 'rotate', because: 'unreadable' };
  const without = [...membership.members.values()]
    .flatMap(({ devices }) => devices)
    .filter((device) => !sealedTo.has(device));
  if (without.length > 0) return { what: 'reseal', devices: without };
  const checkpoint = person === null ? null : self.dueCheckpoint(person);
  return checkpoint && { what: 'checkpoint', checkpoint };
};

const placeAmongTrusted = ({ members, rankOf }: Membership, person: string): number =>
  [...members.values()].filter((member) => member.role !== 'member' && rankOf(member.person) < rankOf(person)).length;
