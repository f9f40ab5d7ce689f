import { devices } from './fake-people.ts';
import { refuse } from './fake-refusal.ts';

/** What the device of the fake scene gives. */
export const ownOffers = [
  { capability: 'library.search@1.0', params: { corpus: ['starter', 'street-notes'] }, loadPercent: 0, isFull: false },
];

const search = 'library.search@1.0';
const zero = {
  ok: 0,
  refusals: [],
  p50Ms: 0,
  p99Ms: 0,
  totalMs: 0,
  hedges: 0,
  failovers: 0,
  missed: 0,
  lastServedAt: null,
};
const row = (over: object) => ({
  capability: search,
  direction: 'asked',
  peer: devices.anna,
  calls: 0,
  ...zero,
  ...over,
});
const now = Date.now();

const rowsAlone = [row({ calls: 31, ok: 31, p50Ms: 4, p99Ms: 19, totalMs: 190, lastServedAt: now - 90_000 })];
const rowsTogether = [
  ...rowsAlone,
  row({
    peer: devices.bora,
    calls: 14,
    ok: 14,
    p50Ms: 14,
    p99Ms: 88,
    totalMs: 320,
    failovers: 2,
    lastServedAt: now - 9_000,
  }),
  row({
    peer: devices.chen,
    calls: 9,
    ok: 6,
    p50Ms: 220,
    p99Ms: 3_900,
    totalMs: 9_000,
    missed: 2,
    lastServedAt: now - 600_000,
  }),
  row({
    peer: devices.bora,
    capability: 'mesh.ping@1.0',
    calls: 3,
    ok: 3,
    p50Ms: 12,
    p99Ms: 13,
    totalMs: 37,
    lastServedAt: now,
  }),
  row({
    direction: 'served',
    peer: devices.bora,
    calls: 22,
    ok: 20,
    refusals: [{ code: 'rate_limited', count: 2 }],
    p50Ms: 6,
    p99Ms: 30,
    totalMs: 140,
    lastServedAt: now - 4_000,
  }),
];

const candidate = (device: string, score: number, over: object = {}) => ({
  device,
  score,
  p50Ms: 14,
  successRate: 1_000,
  loadPercent: 12,
  isSticky: false,
  ...over,
});
const call = (id: number, over: object) => ({
  id,
  trace: `k3Jx9aa${id}`,
  at: now - (60 - id) * 7_000,
  capability: search,
  caller: 'self',
  session: null,
  candidates: [candidate(devices.anna, -36, { p50Ms: 4, loadPercent: 0 }), candidate(devices.bora, 16)],
  attempts: [{ device: devices.anna, why: 'first', outcome: 'ok', ms: 5 }],
  servedBy: devices.anna,
  outcome: 'ok',
  ms: 5,
  ...over,
});

const callsTogether = [
  call(58, {
    session: 'ask-7',
    candidates: [
      candidate(devices.chen, 440, { p50Ms: 220, successRate: 667, isSticky: true }),
      candidate(devices.bora, 16),
      candidate(devices.anna, -36, { skipped: 'params' }),
    ],
    attempts: [
      { device: devices.chen, why: 'first', outcome: 'peer_offline', ms: 2_104 },
      { device: devices.bora, why: 'failover', outcome: 'ok', ms: 18 },
    ],
    servedBy: devices.bora,
    ms: 2_122,
  }),
  call(57, { caller: devices.bora }),
  call(55, { caller: devices.bora, candidates: [], attempts: [], servedBy: null, outcome: 'rate_limited', ms: 0 }),
  call(54, {
    capability: 'library.read@1.0',
    candidates: [
      candidate(devices.chen, 440, { skipped: 'quarantined' }),
      candidate(devices.bora, 16, { skipped: 'full' }),
    ],
    attempts: [],
    servedBy: null,
    outcome: 'unavailable',
    ms: 1,
  }),
  call(50, { capability: 'chat.send@1.0', candidates: [candidate(devices.anna, -36)], ms: 9 }),
  call(49, {
    capability: 'node.info@1.0',
    candidates: [candidate(devices.anna, 450)],
    outcome: 'cancelled',
    servedBy: null,
  }),
  call(40, { capability: 'future.thing@2.1' }),
];

/** The calls of the fake scene; `calls-empty` has none, `calls-broken` refuses to tell. */
export const createFakeFigures = (story: string, hasNeighbours: boolean) => {
  const rows = story === 'calls-empty' ? [] : hasNeighbours ? rowsTogether : rowsAlone;
  const calls = story === 'calls-empty' ? [] : hasNeighbours ? callsTogether : callsTogether.slice(4);
  const isWanted = (only: unknown) => (each: (typeof callsTogether)[number]) =>
    only === 'refused'
      ? !['ok', 'cancelled'].includes(each.outcome)
      : only !== 'neighbours' || each.caller !== 'self' || each.attempts.some(({ device }) => device !== devices.anna);
  return {
    'node.metrics': () =>
      story === 'calls-broken'
        ? refuse('unavailable', 'not-loaded')
        : {
            text: '# HELP a_total b\n',
            rows,
            calls: rows.reduce((total, each) => total + each.calls, 0),
            inFlight: calls.length > 0 ? 2 : 0,
          },
    'node.traces': ({ only }: Record<string, unknown>) =>
      story === 'calls-broken'
        ? refuse('unavailable', 'not-loaded')
        : { traces: calls.filter(isWanted(only)), total: calls.length },
  };
};
