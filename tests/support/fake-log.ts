import { devices, id, names } from './fake-people.ts';
import { refuse } from './fake-refusal.ts';

type Who = 'anna' | 'bora' | 'chen';
type Told = { who: Who; kind: string; minutes: number; state?: string; reason?: string; held?: readonly Who[] };

const day = 24 * 3600_000;
const month = 16 + (new Date().getUTCFullYear() - 2026) * 12 + new Date().getUTCMonth();

const calm: readonly Told[] = [
  { who: 'anna', kind: 'chat.message', minutes: 1, held: [] },
  { who: 'chen', kind: 'chat.message', minutes: 9 },
  { who: 'bora', kind: 'doc.update', minutes: 12 },
  { who: 'anna', kind: 'doc.create', minutes: 15 },
  { who: 'anna', kind: 'chat.remove', minutes: 20 },
  { who: 'bora', kind: 'chat.message', minutes: 24 },
  { who: 'anna', kind: 'community.promote', minutes: 3 * 24 * 60 },
  { who: 'anna', kind: 'community.admit', minutes: 30 * 24 * 60 },
  { who: 'anna', kind: 'community.key', minutes: 90 * 24 * 60 },
  { who: 'anna', kind: 'community.genesis', minutes: 90 * 24 * 60 },
];

const troubled: readonly Told[] = [
  { who: 'chen', kind: 'chat.message', minutes: 2, state: 'bare' },
  { who: 'bora', kind: 'chat.message', minutes: 4, state: 'void', reason: 'frozen' },
  { who: 'bora', kind: 'doc.update', minutes: 5, state: 'void', reason: 'document-foreign-delete' },
  { who: 'chen', kind: 'chat.message', minutes: 6, state: 'dropped' },
  { who: 'chen', kind: '63', minutes: 7, state: 'void', reason: 'kind-unknown', held: [] },
  { who: 'bora', kind: 'community.remove', minutes: 9, state: 'void', reason: 'quorum' },
];

/**
 * The log of the fake scene: `people` has a fork, damage and entries without effect, `log-empty` nothing, `log-counting` never
 * answers, `log-broken` fails; all others are calm.
 */
export const createFakeLog = (story: string, hasNeighbours: boolean) => {
  const isTroubled = story === 'people';
  const told = story === 'log-empty' ? [] : isTroubled ? [...troubled, ...calm] : calm;
  const seen = told.filter(({ who }) => hasNeighbours || who === 'anna');
  const entries = seen.map(({ who, kind, minutes, state = 'effective', reason = '', held }, at) => ({
    eventId: id('v').slice(0, 40) + String(100 + at),
    kind,
    device: devices[who],
    name: names[who],
    isOwn: who === 'anna',
    lane: /^(community|device|person)/.test(kind) ? 0 : month,
    seq: 400 - at,
    at: Date.now() - minutes * 60_000,
    bytes: 280 + at * 37,
    state,
    reason,
    heldBy: hasNeighbours
      ? (held ?? (['bora', 'chen'] as const).filter((one) => one !== who)).map((one) => names[one])
      : [],
  }));
  const lanesOf = (who: Who, device: string = devices[who]) =>
    [0, month - 1, month].map((lane) => ({
      device,
      name: names[who],
      lane,
      events: lane === 0 ? 12 : 1_204,
      newestAt: Date.now() - (month - lane) * 9 * day - 60_000,
      heldBy: hasNeighbours ? (lane === month && who === 'anna' ? 1 : who === 'anna' ? 2 : 1) : 0,
      heldOf: hasNeighbours ? (who === 'anna' ? 2 : 1) : 0,
    }));
  const overview = {
    events: entries.length === 0 ? 0 : isTroubled ? 24_812 : 3_640,
    bytes: entries.length * 912_000,
    withoutPayload: isTroubled ? 37 : 0,
    dropped: isTroubled ? 3 : 0,
    people: hasNeighbours ? 3 : 1,
    lanes:
      entries.length === 0
        ? []
        : hasNeighbours
          ? [
              ...lanesOf('anna'),
              ...lanesOf('bora'),
              ...lanesOf('chen'),
              ...(isTroubled ? lanesOf('bora', id('Q')) : []),
            ]
          : lanesOf('anna'),
    kinds: [],
    voids: isTroubled
      ? [
          { reason: 'frozen', count: 1_204 },
          { reason: 'document-foreign-delete', count: 2 },
          { reason: 'kind-unknown', count: 1 },
          { reason: 'quorum', count: 1 },
        ]
      : [],
    waiting: { orphans: isTroubled ? 4 : 0, parked: isTroubled ? 1 : 0 },
    refused: isTroubled
      ? [
          { reason: 'signature', count: 12 },
          { reason: 'hello-clock', count: 1 },
        ]
      : [],
    damages: isTroubled ? [{ device: devices.chen, name: names.chen, lane: month, from: 310, to: 322 }] : [],
    forks: isTroubled
      ? [
          { device: id('Q'), name: names.bora, lane: month, seq: 88, standsUpTo: 96, first: id('f'), second: id('g') },
          { device: id('Z'), name: '', lane: 0, seq: 7, standsUpTo: null, first: id('h'), second: id('j') },
        ]
      : [],
  };
  const answer = async <T>(output: T) => {
    if (story === 'log-counting') await new Promise(() => undefined);
    return story === 'log-broken' ? refuse('timeout', 'log.overview') : output;
  };
  return {
    'log.overview': () => answer(overview),
    'log.entries': (input: Record<string, unknown>) =>
      answer({
        entries: entries.filter(({ lane, state }) =>
          input.only === 'authority' ? lane === 0 : input.only === 'all' || state !== 'effective',
        ),
        next: isTroubled && input.only === 'all' && input.before === null ? `1 ${devices.anna} 0 0` : null,
      }),
    'log.bundle': () =>
      answer({
        file: new TextEncoder().encode(JSON.stringify({ events: overview.events })),
        name: 'hearthnet-diagnosis-2026-11-23.json',
      }),
  };
};
