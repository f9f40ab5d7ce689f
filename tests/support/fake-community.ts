import { devices, emoji, id, names, people, startedAt } from './fake-people.ts';

const day = 24 * 3600_000;
type Proposal = Record<string, unknown> & { proposal: string; agreedBy: string[] };

/** Who belongs to the fake neighbourhood, with what role, and what stands open. `story` is the name of the scene. */
export const createFakeCommunity = (story: string) => {
  const isTold = story === 'people' || story === 'member' || story === 'matrix';
  const ownRole = story === 'member' ? 'member' : 'anchor';
  const roles: Record<string, string> = {
    bora: isTold ? 'trusted' : 'member',
    chen: 'member',
    esra: 'anchor',
  };
  const state = {
    admit: 'member',
    former: isTold
      ? [
          { person: id('f'), name: 'Frieda', how: 'left', at: Date.now() - 20 * day },
          { person: id('g'), name: 'Georg', how: 'removed', at: Date.now() - 3 * day },
        ]
      : [],
    proposals: (isTold
      ? [
          {
            proposal: id('p'),
            act: 'remove',
            person: people.chen,
            by: people.bora,
            reason: 'Chen moved away in spring and gave his old phone to somebody we do not know.',
            at: Date.now() - 40 * 60_000,
            agreedBy: [people.bora],
            needed: 2,
            mayAgree: ownRole !== 'member',
          },
        ]
      : []) as Proposal[],
    hasLeft: story === 'removed',
  };

  const members = (own: string, hasNeighbours: boolean): unknown[] => {
    const self = {
      person: people.anna,
      name: own,
      role: ownRole,
      devices: isTold ? [devices.anna, id('M')] : [devices.anna],
      isSelf: true,
      invitedBy: ownRole === 'anchor' ? null : people.bora,
      since: startedAt - 90 * day,
    };
    const others = (['bora', 'chen', ...(isTold ? (['esra'] as const) : [])] as const).map((who) => ({
      person: people[who],
      name: names[who],
      role: roles[who],
      devices: [devices[who], ...(who === 'bora' && isTold ? [id('Q')] : [])],
      ...(who === 'bora' && isTold ? { frozenDevices: [id('Q')] } : {}),
      isSelf: false,
      invitedBy: who === 'esra' ? null : people.anna,
      since: startedAt - 30 * day,
    }));
    if (state.hasLeft) return others;
    return hasNeighbours ? [self, ...others] : [self];
  };

  return {
    state,
    /** Whether this device is out: left, or taken out. */
    isOut: (): boolean => state.hasLeft,
    snapshot: (own: string, hasNeighbours: boolean, membership: string) => ({
      members: membership === 'member' || state.hasLeft ? members(own, hasNeighbours) : [],
      former: state.hasLeft
        ? [
            ...state.former,
            { person: people.anna, name: own, how: story === 'removed' ? 'removed' : 'left', at: Date.now() },
          ]
        : state.former,
      proposals: state.proposals,
      policy: { admit: state.admit },
      servers: ['wss://lindenstrasse.example/mesh'],
      agreementsNeeded: ownRole === 'member' ? 0 : isTold ? 2 : 1,
      ownEmoji: membership === 'pending' ? emoji : [],
    }),
    promote: ({ person, role }: Record<string, unknown>): void => {
      for (const [who, key] of Object.entries(people)) if (key === person) roles[who] = String(role);
    },
    propose: (input: Record<string, unknown>) => {
      const proposal = {
        ...input,
        proposal: id('r'),
        by: people.anna,
        at: Date.now(),
        agreedBy: [people.anna],
        needed: 2,
        mayAgree: false,
      };
      if (isTold) state.proposals = [...state.proposals, proposal];
      return { proposal: id('r'), done: !isTold };
    },
    agree: ({ proposal }: Record<string, unknown>) => {
      state.proposals = state.proposals.filter((one) => one.proposal !== proposal);
      return { done: true };
    },
    leave: (): void => void (state.hasLeft = true),
    setPolicy: ({ admit }: Record<string, unknown>): void => void (state.admit = String(admit)),
  };
};
