import { devices, id, names, neighboursNow, people, startedAt } from './fake-people.ts';

type Node = { device: string; person: string; name: string; state: string };

/** Eighteen neighbours of a longer street: a third linked, a third heard through others, a third away. */
const crowd = Array.from({ length: 18 }, (_, i) => {
  const letter = 'abcdefghijklmopqrs'[i] ?? 'z';
  const state = ['linked', 'near', 'away'][i % 3] ?? 'away';
  const isLinked = state === 'linked';
  return {
    device: `${'Q'.repeat(40)}${10 + i}A`,
    person: id(letter),
    name:
      ['Ada', 'Ben', 'Cem', 'Dora', 'Emil', 'Fatma', 'Georg', 'Hanna', 'Ilse'][i % 9] +
      ' ' +
      letter.toUpperCase() +
      '.',
    state,
    kind: isLinked ? (i % 2 ? 'relay' : 'webrtc') : 'none',
    way: isLinked ? (i % 2 ? 'relay' : 'direct') : 'none',
    address: null,
    linkedSince: isLinked ? startedAt : null,
    rttMs: isLinked ? 20 + i * 30 : null,
    lastHeardAt: state === 'away' ? null : Date.now() - 2_000 * i,
    hasTold: state !== 'away',
    offers: [],
    profile: null,
    battery: null,
    loadPercent: 0,
    build: '16c2168a',
  };
});

/** The mesh as the scene tells it: who is near, the ways, the picture, and a check that takes its time. */
export const createFakeMesh = (story: string, hasNeighbours: boolean, signalUrl: () => string) => {
  const neighbours = () =>
    story === 'crowd'
      ? crowd
      : hasNeighbours
        ? neighboursNow(story).flatMap((one) => (one && 'device' in one ? [one] : []))
        : [];
  const isLost = story === 'lost';
  const server = () => ({ url: signalUrl(), state: isLost ? 'lost' : 'open', since: startedAt });
  const self: Node = { device: devices.anna, person: people.anna, name: names.anna, state: 'self' };
  const peers = () => ({
    neighbours: neighbours(),
    signalling: server(),
    servers: [
      { ...server(), origin: 'default' },
      { url: 'wss://lindenstrasse.example/mesh', state: 'lost', since: startedAt, origin: 'neighbourhood' },
    ],
    ways: {
      server: isLost ? 'lost' : 'open',
      neighbours: hasNeighbours ? 'open' : 'trying',
      lan: story === 'blocked' ? 'lost' : hasNeighbours ? 'open' : 'trying',
      radio: 'off',
      pair: 'open',
    },
    candidates: story === 'blocked' ? 'none' : 'some',
    webrtc: true,
    hands: 'worker',
  });
  const topology = () => {
    const near = neighbours();
    const linked = near.filter(({ state }) => state === 'linked');
    const own = linked.map(({ device, kind }) => ({ from: devices.anna, to: device, kind, told: 'self' }));
    const others = near.flatMap(({ device, state }, i) =>
      state === 'away' || linked.length < 2
        ? []
        : [0, 1].flatMap((k) => {
            const to = linked[(i + k) % linked.length]?.device ?? device;
            return to === device ? [] : [{ from: device, to, kind: 'unknown', told: k ? 'one' : 'both' }];
          }),
    );
    const nodes: Node[] = near.map(({ device, person, name, state }) => ({ device, person, name, state }));
    return { nodes: [self, ...nodes], edges: [...own, ...others], left: 0 };
  };
  const check = (done: number) => checkAt(story, done);
  const checkSteps = async function* () {
    for (let done = 0; done < 6; done += 1) {
      yield check(done);
      await new Promise((next) => setTimeout(next, 250));
    }
    yield check(6);
  };
  return { peers, topology, check, checkSteps };
};

const stepNames = ['network', 'address', 'server', 'meeting', 'neighbour', 'link'] as const;
const details = ['', '', 'wss://lindenstrasse.example/mesh', '24 ms', '2', '12 ms'];

const checkAt = (story: string, done: number) => {
  const brokenAt = story === 'lost' ? 2 : story === 'blocked' ? 1 : story === 'alone' ? 4 : 6;
  const reasons = ['offline', 'no-address', 'server-silent', 'meeting-silent', 'nobody', 'no-link'];
  const steps = stepNames.map((name, i) => {
    const blank = { name, reason: '', ms: 0, detail: '' };
    if (i >= done) return { ...blank, state: i === done ? 'running' : 'waiting' };
    if (i === brokenAt) return { ...blank, state: 'failed', reason: reasons[i], ms: 6_000 };
    if (i > brokenAt && brokenAt >= 2) return { ...blank, state: 'skipped', reason: 'step-before' };
    return { ...blank, state: 'ok', ms: 3 + i * 9, detail: details[i] };
  });
  const outcome = done < 6 ? 'running' : brokenAt < 2 || brokenAt === 6 ? 'linked' : 'broken';
  return { steps, outcome, broken: done > brokenAt ? (stepNames.find((_, i) => i === brokenAt) ?? '') : '' };
};
