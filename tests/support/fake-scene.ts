import { createFakeCommunity } from './fake-community.ts';
import { createFakeDevices } from './fake-devices.ts';
import { passages, sources } from './fake-guide.ts';
import { createFakeGiving } from './fake-giving.ts';
import { createFakeFigures, ownOffers } from './fake-figures.ts';
import { createFakeLibrary } from './fake-library.ts';
import { createFakeLog } from './fake-log.ts';
import { createFakeMesh } from './fake-mesh.ts';
import { devices, emoji, id, longTalk, mendedTalk, openingMessages, people, startedAt } from './fake-people.ts';
import { refuse } from './fake-refusal.ts';

export type Scene = {
  readonly device: string;
  answer(name: string, input: unknown): Promise<unknown>;
  steps(name: string): Iterable<unknown> | AsyncIterable<unknown> | null;
  nextChange(signal?: AbortSignal): Promise<void>;
  /** Time has passed: what is live is told anew. */
  goOn(): void;
};

/**
 * The story of one device, told by name: new, pending, linking-in, alone, street, people (roles, a proposal, several devices),
 * member (the same, seen by a plain member), matrix (neighbours in every state), crowd (a long street), lost (no server), blocked (no address), resting (a low battery), removed, linking, rootless, retired, log-empty, log-counting, log-broken. Calls that
 * change something change the story.
 */
export const createScene = (name: string): Scene => {
  const isBlank = name === 'new' || name === 'pending' || name === 'blank';
  const state = {
    name: isBlank ? '' : 'Anna Berger',
    membership: isBlank ? (name === 'pending' ? 'pending' : 'none') : name === 'removed' ? 'removed' : 'member',
    place: isBlank ? '' : 'Lindenstraße 12–18',
    reason: '',
    signalUrl: 'ws://localhost:8787/mesh',
    hidesAddress: false,
    messages: (name === 'street' || name === 'removed'
      ? openingMessages().map((message) => ({ ...message, canRemove: name !== 'removed' }))
      : name === 'long'
        ? longTalk()
        : name === 'mended' || name === 'fetching'
          ? mendedTalk()
          : []) as Record<string, unknown>[],
    invites: [] as { code: string; expiresAt: number }[],
    waiting:
      name === 'street'
        ? [
            {
              request: devices.dilek,
              person: people.dilek,
              name: 'Dilek',
              emoji,
              since: Date.now(),
              isKnownPerson: false,
            },
          ]
        : [],
  };
  let listeners: (() => void)[] = [];
  const change = (): Record<string, never> => {
    listeners.splice(0).forEach((run) => run());
    return {};
  };
  const hasNeighbours = [
    'street',
    'crowd',
    'matrix',
    'resting',
    'second',
    'people',
    'member',
    'linking',
    'rootless',
    'retired',
  ].includes(name);
  const community = createFakeCommunity(name);
  const giving = createFakeGiving(name);
  const mesh = createFakeMesh(name, hasNeighbours, () => state.signalUrl);

  const answers: Record<string, (input: Record<string, unknown>) => unknown> = {
    'node.info': () => ({
      device: devices.anna,
      person: people.anna,
      name: state.name,
      build: '16c2168a',
      membership: state.membership,
      community: ['member', 'removed'].includes(state.membership)
        ? { id: 'x'.repeat(21) + 'A', name: state.place }
        : null,
      pendingReason: state.reason,
      signalUrl: state.signalUrl,
      defaultSignalUrl: 'ws://localhost:8787/mesh',
      hidesAddress: state.hidesAddress,
      storagePersisted: false,
      startedAt,
      clockOffsetMs: 0,
      crypto: 'webcrypto',
      giving: giving.view(),
    }),
    'node.configure': (input) => {
      if (typeof input.name === 'string') state.name = input.name;
      if (typeof input.hidesAddress === 'boolean') state.hidesAddress = input.hidesAddress;
      if (!giving.configure(input)) return refuse('quota_full', 'not-stored');
      if (typeof input.signalUrl === 'string') state.signalUrl = input.signalUrl || 'ws://localhost:8787/mesh';
      return change();
    },
    'node.selfTest': async () => {
      await new Promise((done) => setTimeout(done, 900));
      return {
        steps: ['identity', 'log', 'search', 'storage', 'signalling'].map((step, i) => ({
          name: step,
          ok: step !== 'signalling',
          ms: 3 + i * 7,
          detail: step === 'signalling' ? 'no answer in 2,000 ms' : 'signed and verified 1 event',
        })),
      };
    },
    ...createFakeFigures(name, hasNeighbours),
    'community.found': (input) => {
      Object.assign(state, { name: input.name, place: input.communityName, membership: 'member' });
      change();
      return { community: 'x'.repeat(21) + 'A' };
    },
    'community.join': (input) => {
      Object.assign(state, {
        name: input.name,
        membership: 'pending',
        reason: input.invite === 'old' ? 'invite-expired' : '',
      });
      change();
      return { community: 'x'.repeat(21) + 'A' };
    },
    'community.cancelJoin': () => {
      Object.assign(state, { membership: 'none', reason: '' });
      return change();
    },
    'community.invite': () => {
      const invite = { code: 'HN1_' + 'k3Jx9'.repeat(20), expiresAt: Date.now() + 15 * 60_000 };
      state.invites = [...state.invites, invite];
      change();
      return invite;
    },
    'community.admit': (input) => {
      state.waiting = state.waiting.filter((one) => one.request !== input.request);
      return change();
    },
    'community.members': () => ({
      ...community.snapshot(state.name, hasNeighbours, state.membership),
      waiting: state.waiting,
      invites: state.invites,
    }),
    'community.promote': (input) => (community.promote(input), change()),
    'community.propose': (input) => {
      const answer = community.propose(input);
      change();
      return answer;
    },
    'community.agree': (input) => {
      const answer = community.agree(input);
      change();
      return answer;
    },
    'community.leave': () => {
      community.leave();
      state.membership = 'removed';
      return change();
    },
    'community.setPolicy': (input) => (community.setPolicy(input), change()),
    ...createFakeDevices(name, change),
    'devices.link': () => {
      state.membership = 'pending';
      return change();
    },
    'devices.restore': (input) => {
      if (String(input.words).includes('wrong')) return refuse('bad_request', 'card-word-3');
      state.name = String(input.name);
      change();
      return { person: people.anna };
    },
    'mesh.peers': () => ({ ...mesh.peers(), ownOffers }),
    'mesh.topology': mesh.topology,
    'mesh.check': () => mesh.check(6),
    'chat.send': (input) => {
      if (String(input.text).startsWith('fail')) return refuse('quota_full', 'disk');
      const message = {
        eventId: id('e').slice(0, 40) + String(100 + state.messages.length),
        device: devices.anna,
        person: people.anna,
        name: state.name,
        text: String(input.text),
        at: Date.now(),
        isOwn: true,
        state: 'waiting',
        heldBy: 0,
        heldOf: 3,
        clientId: String(input.clientId),
        removed: null,
        canRemove: true,
        isTimeUnclear: false,
      };
      state.messages = [...state.messages, message];
      change();
      return { eventId: message.eventId, state: 'waiting' };
    },
    'chat.remove': (input) => {
      state.messages = state.messages.map((message) =>
        message.eventId === input.eventId
          ? { ...message, text: '', canRemove: false, removed: { person: people.anna, name: state.name, isSelf: true } }
          : message,
      );
      change();
      return { eventId: input.eventId };
    },
    'chat.history': (input) => ({
      messages: state.messages.slice(-Number(input.limit)),
      total: state.messages.length,
      fetching: name === 'fetching' ? { held: 4_200, known: 10_000 } : null,
    }),
    ...createFakeLibrary(name, hasNeighbours, change),
    ...createFakeLog(name, hasNeighbours),
    'ask.answer': async (input) => {
      await new Promise((done) => setTimeout(done, 700));
      const asked = JSON.stringify(input).toLowerCase();
      const found = passages(/bleed|blutung/.test(asked) ? id('k') : id('w'));
      if (/slow/.test(asked)) await new Promise((done) => setTimeout(done, 20_000));
      if (/refuse/.test(asked)) return refuse('unavailable', 'search-worker-gone');
      const base = {
        servedBy: devices.anna,
        route: 'local',
        neighboursMissed: 0,
        isWeak: false,
        asked: [{ device: devices.anna, outcome: 'ok', evidence: 820, ms: 42 }],
      };
      if (/unicorn|einhorn/.test(asked))
        return { ...base, outcome: 'nothing', citations: [], passages: [], evidence: 90, neighboursMissed: 1 };
      const isAway = /garden|garten/.test(asked);
      return {
        ...base,
        outcome: 'quotes',
        citations: sources(found),
        passages: found,
        evidence: 820,
        ...(isAway && {
          servedBy: devices.chen,
          route: 'neighbour',
          neighboursMissed: 1,
          asked: [...base.asked, { device: devices.chen, outcome: 'ok', evidence: 860, ms: 31 }],
        }),
      };
    },
  };

  return {
    device: devices.anna,
    answer: async (capability, input) => answers[capability]?.(input as Record<string, unknown>),
    goOn: change,
    steps: (capability) =>
      capability === 'mesh.check'
        ? mesh.checkSteps()
        : capability === 'ask.answer'
          ? [{ step: 'searching-here', device: devices.anna }]
          : null,
    nextChange: (signal) =>
      new Promise((done) => {
        listeners = [...listeners, done];
        signal?.addEventListener('abort', () => done());
      }),
  };
};
