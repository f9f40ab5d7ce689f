/** Who lives in the fake scene: anna on this device, bora and chen linked, dilek at the door; esra belongs to the scene `people`. */
export const id = (letter: string): string => letter.repeat(42) + 'A';
export const people = { anna: id('n'), bora: id('b'), chen: id('c'), dilek: id('d'), esra: id('s') } as const;
export const devices = { anna: id('N'), bora: id('B'), chen: id('C'), dilek: id('D'), esra: id('S') } as const;
export const startedAt = Date.now() - 14 * 60_000;

export const emoji = ['🦊', '🌻', '⛵', '🎈', '🐢', '🍞'];

export const names = {
  anna: 'Anna Berger',
  bora: 'Bora Yıldız',
  chen: 'Chen Wei',
  dilek: 'Dilek',
  esra: 'Esra Kaya',
} as const;

/** Who is near. In the scene `matrix` one rests, and one is not heard any more. */
export const neighboursNow = (story: string) => {
  const now = Date.now();
  const [bora, chen, dilek] = neighbours;
  const boraHeardAt = story === 'matrix' ? Math.min(now - 12_000, startedAt + 14 * 60_000) : now - 900;
  const near = [{ ...bora, lastHeardAt: boraHeardAt }, { ...chen, lastHeardAt: now - 2_100 }, dilek];
  return story === 'matrix' ? [...near, { ...esraAtRest, lastHeardAt: now - 300 }] : near;
};

const neighbours = [
  {
    device: devices.bora,
    person: people.bora,
    name: names.bora,
    state: 'linked',
    kind: 'webrtc',
    way: 'local',
    address: '192.168.178.31',
    linkedSince: startedAt,
    rttMs: 12,
    lastHeardAt: Date.now(),
    hasTold: true,
    offers: [
      { capability: 'library.search@1.0', params: { corpus: ['starter'] }, loadPercent: 12, isFull: false },
      { capability: 'blobs.have@1.0', params: {}, loadPercent: 0, isFull: false },
    ],
    profile: 'anchor',
    battery: 'mains',
    loadPercent: 12,
    build: '16c2168a',
  },
  {
    device: devices.chen,
    person: people.chen,
    name: names.chen,
    state: 'linked',
    kind: 'relay',
    way: 'relay',
    address: null,
    linkedSince: startedAt,
    rttMs: 148,
    lastHeardAt: Date.now() - 4_000,
    hasTold: true,
    offers: [{ capability: 'library.search@1.0', params: { corpus: ['allotment'] }, loadPercent: 100, isFull: true }],
    profile: 'hearth',
    battery: 'low',
    loadPercent: 100,
    build: '16c2168a',
  },
  {
    device: devices.dilek,
    person: people.dilek,
    name: names.dilek,
    state: 'away',
    kind: 'none',
    way: 'none',
    address: null,
    linkedSince: null,
    rttMs: null,
    lastHeardAt: Date.now() - 7_200_000,
    hasTold: false,
    offers: [],
    profile: null,
    battery: null,
    loadPercent: null,
    build: '144167ab',
  },
];

const esraAtRest = {
  device: devices.esra,
  person: people.esra,
  name: names.esra,
  state: 'linked',
  kind: 'webrtc',
  way: 'direct',
  address: null,
  linkedSince: startedAt,
  rttMs: 31,
  hasTold: true,
  offers: [
    { capability: 'mesh.ping@1.0', params: {}, loadPercent: 0, isFull: false },
    { capability: 'library.read@1.0', params: {}, loadPercent: 0, isFull: false },
  ],
  profile: 'spark',
  battery: 'low',
  loadPercent: 0,
  build: '16c2168a',
};

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
      removed: null,
      canRemove: author === 'anna',
      isTimeUnclear: false,
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
      canRemove: author === 'anna',
    };
  });

/** A talk in which words were taken back, a clock was ahead, and one may remove what others say. */
export const mendedTalk = () =>
  openingMessages().flatMap((message, i) => {
    const remover = (by: keyof typeof names) => ({ person: people[by], name: names[by], isSelf: by === 'anna' });
    const clear = { ...message, canRemove: true };
    const gone = { ...message, eventId: id('g').slice(0, 40) + String(100 + i), text: '', canRemove: false };
    if (i === 0) return [clear, { ...gone, removed: remover('bora') }];
    if (i === 1) return [clear, { ...gone, removed: remover('anna') }];
    return i === 2 ? [{ ...clear, isTimeUnclear: true }] : [clear];
  });
