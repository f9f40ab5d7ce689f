import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { Membership, MemberView } from '../../src/lib/log/membership.ts';
import { shareOf, type Share } from '../../src/lib/log/newcomers.ts';
import { createLivePace } from '../../src/lib/replica/live-pace.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { todayLane, todayMs } from './street-fixture.ts';

const dayMs = 24 * 3600_000;
type Door = { readonly by: string | null; readonly daysAgo: number };

/** A street by who let whom in, and when; everybody has a phone named after them. */
const streetOf = (doors: Readonly<Record<string, Door>>): Pick<Membership, 'members' | 'personOf'> => ({
  members: new Map(
    Object.entries(doors).map(([person, { by, daysAgo }]): [string, MemberView] => [
      person,
      {
        person,
        name: person,
        role: 'member',
        devices: [`${person}-phone`],
        invitedBy: by,
        since: todayMs - daysAgo * dayMs,
      },
    ]),
  ),
  personOf: (device) => (device.endsWith('-phone') || device.endsWith('-tablet') ? device.replace(/-\w+$/, '') : null),
});
const oldPeople = (count: number): Record<string, Door> => ({
  anna: { by: null, daysAgo: 90 },
  ...Object.fromEntries(Array.from({ length: count - 1 }, (_, at) => [`old${at}`, { by: 'anna', daysAgo: 30 }])),
});
const large = streetOf({
  ...oldPeople(limits.newcomerPeopleMin + 1),
  bora: { by: 'anna', daysAgo: 30 },
  mallory: { by: 'bora', daysAgo: 6 },
  eve: { by: 'mallory', daysAgo: 1 },
  chen: { by: 'anna', daysAgo: 2 },
});
const asOfToday = (street: typeof large, device: string): Share => shareOf(street, device, todayMs);

describe('the budget of an author', () => {
  it('is one a person, whatever devices they write with, and a stranger has their own', () => {
    expect(asOfToday(large, 'bora-phone')).toEqual({ holder: 'bora', part: 1 });
    expect(asOfToday(large, 'bora-tablet')).toEqual({ holder: 'bora', part: 1 });
    expect(asOfToday(large, 'nobody')).toEqual({ holder: 'nobody', part: 1 });
  });

  it('of newcomers is a tenth, shared by everybody whom one longer-standing member let in, through whomever', () => {
    const below = { holder: 'let in by bora', part: 0.1 };
    expect([asOfToday(large, 'mallory-phone'), asOfToday(large, 'eve-phone')]).toEqual([below, below]);
    expect(asOfToday(large, 'chen-phone')).toEqual({ holder: 'let in by anna', part: 0.1 });
    expect(shareOf(large, 'mallory-phone', todayMs + dayMs).part).toBe(1);
  });

  it('is a whole one for everybody while the neighbourhood is in its first week, or has no more than twenty people', () => {
    const small = streetOf({ ...oldPeople(limits.newcomerPeopleMin - 1), mallory: { by: 'anna', daysAgo: 1 } });
    expect(small.members.size).toBe(limits.newcomerPeopleMin);
    expect(asOfToday(small, 'mallory-phone').part).toBe(1);
    const young = Object.fromEntries(
      Array.from({ length: 30 }, (_, at) => [`new${at}`, { by: at === 0 ? null : 'new0', daysAgo: 6 }]),
    );
    expect(asOfToday(streetOf(young), 'new7-phone').part).toBe(1);
  });
});

describe('live pushes over one link', () => {
  const paceFor = (share: (author: string) => Share) => {
    const clock = createVirtualClock(todayMs);
    const wanted: number[] = [];
    const pace = createLivePace(clock, { wantLane: (lane) => void wanted.push(lane), shareOf: share });
    const taken = (author: string, count: number, lane = todayLane): number =>
      Array.from({ length: count }, () => pace.takes(author, lane, 200)).filter(Boolean).length;
    return { clock, wanted, taken };
  };
  const most = limits.livePushEventsPerMinuteMax;

  it('a flood of words holds up no removal: acts have a budget of their own, and what is over it is asked for later', () => {
    const { clock, wanted, taken } = paceFor((holder) => ({ holder, part: 1 }));
    expect(taken('mallory', most + 5)).toBe(most);
    expect(taken('mallory', 3, 0)).toBe(3);
    expect(taken('mallory', most, 0)).toBe(most - 3);
    expect(taken('bora', 7)).toBe(7);
    clock.advance(60_000);
    expect(wanted).toEqual([todayLane, 0]);
    expect(taken('mallory', 2)).toBe(2);
  });

  it('newcomers below one member take a tenth together; the others are as fast as ever', () => {
    const { taken } = paceFor((device) => shareOf(large, device, todayMs));
    expect(taken('mallory-phone', most)).toBe(most / 10);
    expect([taken('eve-phone', 9), taken('chen-phone', 9), taken('bora-phone', most)]).toEqual([0, 9, most]);
  });
});
