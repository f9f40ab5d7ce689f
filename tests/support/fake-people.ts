/** Who lives in the fake scene: anna on this device, bora and chen linked, dilek at the door. */
export const id = (letter: string): string => letter.repeat(42) + 'A';
export const people = { anna: id('n'), bora: id('b'), chen: id('c'), dilek: id('d') } as const;
export const devices = { anna: id('N'), bora: id('B'), chen: id('C'), dilek: id('D') } as const;
export const startedAt = Date.now() - 14 * 60_000;

export const emoji = ['🦊', '🌻', '⛵', '🎈', '🐢', '🍞'];

export const membersOf = (own: string, hasNeighbours: boolean, membership: string): unknown[] => {
  if (membership !== 'member') return [];
  const self = {
    person: people.anna,
    name: own,
    role: 'anchor',
    devices: [devices.anna],
    isSelf: true,
    invitedBy: null,
    since: startedAt,
  };
  const others = (['bora', 'chen'] as const).map((who) => ({
    person: people[who],
    name: names[who],
    role: 'member',
    devices: [devices[who]],
    isSelf: false,
    invitedBy: people.anna,
    since: startedAt,
  }));
  return hasNeighbours ? [self, ...others] : [self];
};

const names = { anna: 'Anna Berger', bora: 'Bora Yıldız', chen: 'Chen Wei', dilek: 'Dilek' } as const;

export const neighbours = [
  {
    device: devices.bora,
    person: people.bora,
    name: names.bora,
    state: 'linked',
    kind: 'webrtc',
    rttMs: 12,
    lastHeardAt: Date.now(),
    offers: [{ capability: 'library.search@1.0', params: { corpus: ['starter'] } }],
    build: '16c2168a',
  },
  {
    device: devices.chen,
    person: people.chen,
    name: names.chen,
    state: 'linked',
    kind: 'webrtc',
    rttMs: 48,
    lastHeardAt: Date.now() - 4_000,
    offers: [{ capability: 'library.search@1.0', params: { corpus: ['allotment'] } }],
    build: '16c2168a',
  },
  {
    device: devices.dilek,
    person: people.dilek,
    name: names.dilek,
    state: 'away',
    kind: 'none',
    rttMs: null,
    lastHeardAt: Date.now() - 7_200_000,
    offers: [],
    build: '144167ab',
  },
];

export const openingMessages = () =>
  [
    ['bora', 'Is the water off at your place too?', 24, 'handedOn'],
    ['anna', 'Yes, since seven. I have two full canisters, come by with a bottle.', 22, 'handedOn'],
    ['chen', 'The utility says it comes back around noon. I put the notice into the library.', 9, 'handedOn'],
    ['anna', 'Thank you! Does anybody need warm water for a baby?', 1, 'waiting'],
  ].map(([who, text, minutes, state], i) => {
    const author = who as keyof typeof names;
    return {
      eventId: id('e').slice(0, 40) + String(100 + i),
      device: devices[author],
      person: people[author],
      name: names[author],
      text: String(text),
      at: Date.now() - Number(minutes) * 60_000,
      isOwn: author === 'anna',
      state: String(state),
      heldBy: state === 'waiting' ? 0 : 2,
      heldOf: 2,
      clientId: 'c'.repeat(20) + String(10 + i),
    };
  });

/** Three days of talk, more than one page of it. */
export const longTalk = () =>
  Array.from({ length: 260 }, (_, i) => {
    const author = (['bora', 'anna', 'chen'] as const)[Math.floor(i / 2) % 3] ?? 'bora';
    return {
      ...openingMessages()[0],
      eventId: id('e').slice(0, 40) + String(100 + i),
      device: devices[author],
      person: people[author],
      name: names[author],
      text: `Message ${i + 1} of the street.`,
      at: Date.now() - (260 - i) * 17 * 60_000,
      isOwn: author === 'anna',
      state: 'handedOn',
      clientId: 'c'.repeat(19) + String(100 + i),
    };
  });
