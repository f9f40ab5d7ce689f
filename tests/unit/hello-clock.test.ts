import { describe, expect, it } from 'vitest';
import { createHelloClock } from '../../src/lib/mesh/hello-clock.ts';
import { limits } from '../../src/lib/kernel/limits.ts';

const minute = 60_000;
const noon = Date.UTC(2026, 5, 15, 12);

/** A phone whose owner can set its clock; time passes only when the test says so. */
const phone = (members: readonly string[] = ['bora', 'chen', 'dilek', 'eva', 'mallory']) => {
  let own = noon;
  let isMember = (person: string) => members.includes(person);
  const helloClock = createHelloClock({
    clock: { now: () => own, after: () => () => {} },
    isMember: (person) => isMember(person),
  });
  return {
    ...helloClock,
    own: () => own,
    /** In steps, as a node that is awake looks at its clock. */
    pass: (ms: number) => {
      for (let left = ms; left > 0; left -= minute) {
        own += Math.min(minute, left);
        helloClock.offsetMs();
      }
    },
    set: (ms: number) => void (own = ms),
    /** Somebody's Hello, from a clock that is so far ahead of the phone's. */
    hears: (person: string, aheadMs: number) => helloClock.note(person, own + aheadMs, null),
    onlyMembers: (check: (person: string) => boolean) => void (isMember = check),
  };
};

describe('the community clock', () => {
  it('is the own clock until three persons have told theirs, and while it is less than five minutes off', () => {
    const { clock, hears, own, offsetMs } = phone();
    hears('bora', 60 * minute);
    hears('chen', 60 * minute);
    expect([clock.now() - own(), offsetMs()]).toEqual([0, 0]);
    hears('dilek', 60 * minute);
    expect([clock.now() - own(), offsetMs()]).toEqual([60 * minute, 60 * minute]);
    for (const person of ['bora', 'chen', 'dilek']) hears(person, limits.clockOffMs);
    expect(offsetMs()).toBe(0);
    for (const person of ['bora', 'chen', 'dilek']) hears(person, -limits.clockOffMs - 1);
    expect(clock.now() - own()).toBe(-limits.clockOffMs - 1);
  });

  it('is the median of the newest word of each person, so one liar of three moves nothing', () => {
    const { hears, offsetMs } = phone();
    hears('bora', 60 * minute);
    hears('chen', 61 * minute);
    for (const lie of [-1e9, 1e12, 0]) {
      hears('mallory', lie);
      expect(Math.abs(offsetMs() - 60.5 * minute)).toBeLessThanOrEqual(0.5 * minute);
    }
  });

  it('lets no liar make an honest clock wrong, however often he says Hello', () => {
    const { hears, offsetMs } = phone();
    hears('bora', 1_000);
    hears('chen', -2_000);
    for (let at = 0; at < 50; at++) hears('mallory', at * 60 * minute);
    expect(offsetMs()).toBe(0);
  });

  it('hears members only: strangers at the door, and who was removed, have no say', () => {
    const { hears, offsetMs, onlyMembers } = phone();
    for (const stranger of ['x', 'y', 'z']) hears(stranger, 1e10);
    expect(offsetMs()).toBe(0);
    for (const person of ['bora', 'chen', 'mallory']) hears(person, 60 * minute);
    expect(offsetMs()).toBe(60 * minute);
    onlyMembers((person) => person === 'bora' || person === 'chen');
    expect(offsetMs()).toBe(0);
  });

  it('adds half of the round trip, and takes no word that is no time', () => {
    const { note, own, offsetMs } = phone();
    for (const person of ['bora', 'chen', 'dilek']) note(person, own() + 10 * minute, 4_000);
    expect(offsetMs()).toBe(10 * minute + 2_000);
    for (const bad of [Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY])
      for (const person of ['bora', 'chen', 'dilek']) note(person, bad, null);
    expect(offsetMs()).toBe(10 * minute + 2_000);
  });

  it('revives nothing on a phone turned back: what had ended stays ended', () => {
    const alone = phone();
    const then = alone.own() + 30 * minute;
    alone.pass(31 * minute);
    expect(alone.latestMs()).toBeGreaterThan(then);
    alone.set(noon - 24 * 60 * minute);
    expect(alone.latestMs()).toBeGreaterThan(then);

    const among = phone();
    for (const person of ['bora', 'chen', 'dilek']) among.hears(person, 0);
    among.pass(31 * minute);
    expect(among.latestMs()).toBeGreaterThan(then);
    among.set(noon - 24 * 60 * minute);
    expect(among.latestMs()).toBeGreaterThan(then);
    expect(among.clock.now()).toBe(noon + 31 * minute);
  });

  it('of a phone that starts with its clock turned back is the neighbours', () => {
    const late = phone();
    for (const person of ['bora', 'chen', 'dilek']) late.hears(person, 48 * 60 * minute);
    expect(late.latestMs()).toBe(noon + 48 * 60 * minute);
    const early = phone();
    for (const person of ['bora', 'chen', 'dilek']) early.hears(person, -48 * 60 * minute);
    expect(early.latestMs()).toBe(noon);
  });

  it('does not sign in the future after somebody has set the clock ahead and put it right again', () => {
    const { clock, set, hears, own, latestMs } = phone();
    for (const person of ['bora', 'chen', 'dilek']) hears(person, 0);
    set(noon + 24 * 60 * minute);
    clock.now();
    set(noon + minute);
    expect(clock.now()).toBe(own());
    expect(latestMs()).toBeGreaterThan(noon + 23 * 60 * minute);
  });

  it('is not forgotten for the many strangers who knock', () => {
    const { hears, offsetMs } = phone();
    for (const person of ['bora', 'chen', 'dilek']) hears(person, 60 * minute);
    for (let at = 0; at < limits.clockPersonsMax * 2; at++) hears(`stranger ${at}`, 0);
    expect(offsetMs()).toBe(60 * minute);
  });

  it('remembers a bounded number of persons, the newest', () => {
    const everybody = Array.from({ length: limits.clockPersonsMax + 2 }, (_, at) => `person ${at}`);
    const { hears, offsetMs } = phone(everybody);
    for (const [at, person] of everybody.entries()) hears(person, at < 2 ? 1e12 : 10 * minute);
    expect(offsetMs()).toBe(10 * minute);
  });
});
