import { describe, expect, it } from 'vitest';
import { mannersIn, runRouting } from '../sim/routing.ts';

const minutes = 10;
const nodes = 30;

describe('thirty nodes for ten simulated minutes, some failing, slow, silent, lying or leaving', () => {
  it('lose no call, overload nobody, hand nothing on and do nothing twice', async () => {
    expect(mannersIn(nodes)).toEqual(new Set(['good', 'slow', 'failing', 'silent', 'lying']));
    for (const seed of [1, 2, 3]) {
      const { problems, calls, ended, tries, virtualMs } = await runRouting(seed, nodes, minutes);
      expect(problems).toEqual([]);
      expect(virtualMs).toBeGreaterThanOrEqual(minutes * 60_000);
      expect(calls).toBeGreaterThan(5_000);
      // The run is one in which all of this really happened.
      for (const why of ['first', 'failover', 'hedge', 'probe', 'again'])
        expect([why, tries[why] ?? 0]).not.toEqual([why, 0]);
      for (const code of ['ok', 'capacity_exceeded', 'unknown_outcome', 'cancelled', 'timeout'])
        expect([code, ended[code] ?? 0]).not.toEqual([code, 0]);
    }
  }, 240_000);

  it('happen again in the same way from the same seed, and in another from another', async () => {
    const [one, same, other] = [
      await runRouting(7, nodes, 2),
      await runRouting(7, nodes, 2),
      await runRouting(8, nodes, 2),
    ];
    expect(same).toEqual(one);
    expect(other.hash).not.toBe(one.hash);
  }, 120_000);
});
