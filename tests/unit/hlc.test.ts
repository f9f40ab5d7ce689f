import { describe, expect, it } from 'vitest';
import { hlcEpochMs, hlcFromMs, hlcMonth, hlcToMs, nextHlc, parseHlc } from '../../src/lib/kernel/hlc.ts';

const noon = Date.UTC(2026, 5, 15, 12);

describe('the hybrid clock', () => {
  it('counts 4096 to the millisecond since the start of 2026', () => {
    expect(hlcFromMs(hlcEpochMs)).toBe(0);
    expect(hlcFromMs(hlcEpochMs + 1)).toBe(4096);
    expect(hlcFromMs(noon, 7)).toBe((noon - hlcEpochMs) * 4096 + 7);
    expect(hlcToMs(hlcFromMs(noon, 4095))).toBe(noon);
  });

  it('never stands still: two events of one millisecond follow each other', () => {
    const first = nextHlc(0, noon);
    const second = nextHlc(first, noon);
    expect(second).toBe(first + 1);
    expect(hlcToMs(second)).toBe(noon);
  });

  it('never goes back when the device clock does, and follows it when it goes on', () => {
    const last = hlcFromMs(noon, 3);
    expect(nextHlc(last, noon - 3_600_000)).toBe(last + 1);
    expect(nextHlc(last, noon + 1)).toBe(hlcFromMs(noon + 1));
    expect(nextHlc(last, 0)).toBe(last + 1);
  });

  it('borrows the next millisecond when the counter is full', () => {
    expect(hlcToMs(nextHlc(hlcFromMs(noon, 4095), noon))).toBe(noon + 1);
  });

  it('takes whole milliseconds from a clock with fractions', () => {
    expect(nextHlc(0, noon + 0.75)).toBe(hlcFromMs(noon));
  });

  it('is zero for a clock that stands before 2026', () => {
    expect(hlcFromMs(Date.UTC(1970, 0, 1))).toBe(0);
  });

  it('knows its month in UTC, over the turn of a year', () => {
    expect(hlcMonth(0)).toBe(0);
    expect(hlcMonth(hlcFromMs(Date.UTC(2026, 0, 31, 23, 59, 59, 999)))).toBe(0);
    expect(hlcMonth(hlcFromMs(Date.UTC(2026, 1, 1)))).toBe(1);
    expect(hlcMonth(hlcFromMs(Date.UTC(2027, 0, 1)))).toBe(12);
    expect(Number.isSafeInteger(hlcMonth(Number.MAX_SAFE_INTEGER))).toBe(true);
  });

  it('is a whole number from 0 to 2^53 - 1 and nothing else', () => {
    for (const good of [0, 1, Number.MAX_SAFE_INTEGER]) expect(parseHlc(good)).toEqual({ ok: true, value: good });
    for (const bad of [-1, 0.5, 2 ** 53, Number.NaN, '1', null, undefined])
      expect(parseHlc(bad)).toEqual({ ok: false, error: 'not-an-hlc' });
  });
});
