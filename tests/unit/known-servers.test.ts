import { describe, expect, it } from 'vitest';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { SignallingState } from '../../src/lib/kernel/ports/transport.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createPeopleActs } from '../../src/lib/log/acts-people.ts';
import type { Neighbourhood } from '../../src/lib/log/neighbourhood.ts';
import { isServerAddress } from '../../src/lib/log/server-address.ts';
import { createKnownServers } from '../../src/lib/node/known-servers.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { everythingOf, makeStreet, type Person } from './street-fixture.ts';

const first = 'wss://first.example/mesh';
const second = 'wss://second.example/mesh';

const actsOf = (person: Person) => createPeopleActs({ random: seededRandom(person.name), device: person.keys });

/** A node's list of servers, with what its transport was told. */
const openServers = (
  here: Neighbourhood,
  clock: Parameters<typeof createKnownServers>[0]['clock'],
  given: { own?: string; person: Person; mayTell?: boolean; open?: readonly string[] },
) => {
  const tried: (readonly string[])[] = [];
  const states = (): SignallingState[] =>
    (tried.at(-1) ?? []).map((url) => ({ url, state: given.open?.includes(url) ? 'open' : 'lost', since: 0 }));
  const known = createKnownServers({
    clock,
    transport: {
      setServers: (urls) => void tried.push(urls),
      state: () => ({
        signalling: { url: '', state: 'off', since: 0 },
        servers: states(),
        candidates: 'unknown',
        isAvailable: true,
      }),
    },
    holder: { current: () => here, onChange: here.onChange },
    ownUrl: () => given.own ?? '',
    defaultUrl: first,
    tell: (urls) => actsOf(given.person).setServers(here, urls),
    mayTell: () => given.mayTell ?? true,
  });
  known.start();
  return { known, tried };
};

const street = async () => {
  const made = await makeStreet('Anna', 'Bora');
  const [anna, bora] = made.people;
  if (!anna || !bora) throw new Error('nobody lives here');
  return { ...made, anna, bora };
};
const calm = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('servers a neighbourhood knows', () => {
  it('what anna, who is trusted, names is tried by bora after his own and before nothing else he has', async () => {
    const { anna, bora, founder, clock, move } = await street();
    unwrap(await actsOf(anna).setServers(founder.here, [second]));
    const boras = await move(bora);
    const { tried, known } = openServers(boras.here, clock, { person: bora, own: 'wss://own.example/mesh' });
    expect(tried.at(-1)).toEqual(['wss://own.example/mesh', second, first]);
    expect(known.originOf(second)).toBe('neighbourhood');
    expect(known.originOf(first)).toBe('default');
    expect(known.originOf('wss://own.example/mesh')).toBe('own');
  });

  it('bora, who was away, learns of a new address from whoever tells him, without a new invite', async () => {
    const { anna, bora, founder, clock, move } = await street();
    const boras = await move(bora);
    const { tried } = openServers(boras.here, clock, { person: bora });
    expect(tried).toEqual([[first]]);
    unwrap(await actsOf(anna).setServers(founder.here, [second]));
    unwrap(await boras.log.receive(everythingOf(founder.log), 'box wss://first.example/mesh'));
    await calm();
    expect(tried.at(-1)).toEqual([first, second]);
  });

  it('whoever is not trusted names no server: neither the act nor a forged event has an effect', async () => {
    const { bora, founder, move } = await street();
    const boras = await move(bora);
    expect(await actsOf(bora).setServers(boras.here, [second])).toMatchObject({ ok: false, error: 'role-too-low' });
    const forged = await boras.log.append('community.servers', {
      auth: [...boras.here.membership().authorityHeads],
      urls: ['wss://mallory.example/mesh'],
    });
    unwrap(await founder.log.receive(everythingOf(boras.log), 'bora'));
    for (const { membership } of [boras.here, founder.here]) {
      expect(membership().servers).toEqual([]);
      expect(membership().voidById.get(unwrap(forged).event.id)).toBe('role');
    }
  });

  it('the last word stands, and none takes all of them out again', async () => {
    const { anna, founder } = await street();
    const { setServers } = actsOf(anna);
    unwrap(await setServers(founder.here, [first, second]));
    unwrap(await setServers(founder.here, [second]));
    expect(founder.here.membership().servers).toEqual([second]);
    unwrap(await setServers(founder.here, []));
    expect(founder.here.membership().servers).toEqual([]);
  });

  it.each([
    'http://plain.example',
    'wss://user:word@host.example',
    'wss://host.example/?secret=1',
    'wss://host.example/#x',
    'wss://',
    'wss://häuser.example',
    'javascript:alert(1)',
    ' wss://host.example',
    `wss://${'a'.repeat(250)}.example`,
  ])('anna cannot name %s', async (url) => {
    const { anna, founder } = await street();
    expect(await actsOf(anna).setServers(founder.here, [url])).toMatchObject({ ok: false, error: 'server-address' });
  });

  it('takes addresses with a port, a path, and of a house network', () => {
    expect(
      ['wss://a.example', 'wss://a.example:8443/mesh', 'ws://192.168.1.5:8080/', 'wss://[fe80::1]/mesh'].every(
        isServerAddress,
      ),
    ).toBe(true);
  });

  it('tells the neighbourhood of a server that has stood for a while, and brings none back that was taken out', async () => {
    const { anna, founder, clock } = await street();
    openServers(founder.here, clock, { person: anna, open: [first] });
    clock.advance(limits.serverTellMs + 1);
    await calm();
    expect(founder.here.membership().servers).toEqual([first]);
    unwrap(await actsOf(anna).setServers(founder.here, [second]));
    clock.advance(5 * limits.serverTellMs);
    await calm();
    expect(founder.here.membership().servers).toEqual([second]);
  });

  it('tells nobody of a server that does not answer, or of this very device', async () => {
    const { anna, founder, clock } = await street();
    openServers(founder.here, clock, { person: anna });
    openServers(founder.here, clock, {
      person: anna,
      own: 'ws://localhost:8080/mesh',
      open: ['ws://localhost:8080/mesh'],
    });
    clock.advance(3 * limits.serverTellMs);
    await calm();
    expect(founder.here.membership().servers).toEqual([]);
  });
});
