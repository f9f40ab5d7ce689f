import { expect, it } from 'vitest';
import { createMemoryDisk } from '../../src/lib/stores/memory-store.ts';
import { killLeaders, type KillCounts } from '../sim/leader-kills.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { everythingOf, makeStreet, openLog } from './street-fixture.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';

it('a thousand times the tab that leads at anna is killed or frozen while it writes: no number is used twice, nothing accepted is lost', async () => {
  const street = await makeStreet('anna');
  const [anna] = street.people;
  if (!anna) throw new Error('nobody lives here');
  const founded = everythingOf((await street.move(anna)).log);
  const total: KillCounts = { kills: 0, zombies: 0, accepted: 0, duplicates: 0, lost: 0, zombieWrites: 0 };
  for (let run = 1; run <= 20; run++) {
    const disk = createMemoryDisk();
    const { log } = await openLog(anna, street.community, { disk });
    unwrap(await log.receive(founded, 'founding', 'strict'));
    const counts = await killLeaders({
      person: anna,
      community: street.community,
      disk,
      random: seededRandom(`kills ${run}`),
      kills: 50,
    });
    for (const key of Object.keys(total) as (keyof KillCounts)[]) total[key] += counts[key];
  }
  expect(total).toMatchObject({ kills: 1_000, duplicates: 0, lost: 0, zombieWrites: 0 });
  expect(Math.min(total.zombies, total.accepted)).toBeGreaterThan(200);
}, 120_000);
