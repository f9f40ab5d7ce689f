import { describe, expect, it } from 'vitest';
import { createNeighbours } from '../../src/lib/mesh/neighbours.ts';
import { createMemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createVirtualClock, passVirtualTime, systemRandom } from '../contracts/transport-world.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { selfOf } from './hello-fixture.ts';
import { hashOf, makePerson, platformCrypto, type Person } from './street-fixture.ts';

describe('a link that falls as soon as it stands', () => {
  it('does not come back in a storm: bora, turned away each time, knocks with pauses', async () => {
    const clock = createVirtualClock();
    const network = createMemoryNetwork({ clock, random: seededRandom('short') });
    const nodeOf = (person: Person) =>
      createNeighbours({
        clock,
        random: systemRandom,
        crypto: platformCrypto,
        transport: network.transport(person.name),
        self: () => selfOf(person),
        onRefused: () => {},
      });
    const [anna, bora] = [nodeOf(await makePerson('anna')), nodeOf(await makePerson('bora'))];
    let turnedAway = 0;
    anna.links.onUp((link) => {
      turnedAway += 1;
      link.close('bye:removed');
    });
    const place = { tag: 'tag-of-the-street', key: hashOf('key'), psk: hashOf('psk') };
    anna.meetCommunity(place);
    bora.meetCommunity(place);
    const time = passVirtualTime(clock);
    const endsAt = clock.now() + 60_000;
    await time.until('a minute has passed', () => clock.now() >= endsAt);
    expect(turnedAway).toBeGreaterThan(1);
    expect(turnedAway).toBeLessThan(20);
    anna.stop();
    bora.stop();
  });
});
