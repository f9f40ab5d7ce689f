import { randomInt } from 'node:crypto';
import { limits } from '../../src/lib/kernel/wire/signal.ts';
import type { Deliver, Exchange } from '../exchange.ts';
import { chooseNear } from './choose-near.ts';

/** The exchange of one process, which needs nothing but its memory. `below` gives a whole number in [0, bound). */
export const createLocalExchange = (below: (bound: number) => number = (bound) => randomInt(bound)): Exchange => {
  const membersByTag = new Map<string, Map<string, Deliver>>();

  const part = (tag: string, id: string, deliver: Deliver): void => {
    const members = membersByTag.get(tag);
    if (members?.get(id) !== deliver) return;
    members.delete(id);
    if (members.size === 0) membersByTag.delete(tag);
  };

  return {
    join: (tag, id, deliver) => {
      const known = membersByTag.get(tag);
      if (known === undefined && membersByTag.size >= limits.meshTagsMax) return null;
      const members = known ?? new Map<string, Deliver>();
      membersByTag.set(tag, members.set(id, deliver));
      return () => part(tag, id, deliver);
    },
    sample: (tag, self, most) => {
      const members = membersByTag.get(tag);
      if (members === undefined) return { near: [], present: 0 };
      return { near: chooseNear([...members.keys()], self, most, below), present: members.size };
    },
    send: (to, tag, from, bytes) => {
      const deliver = membersByTag.get(tag)?.get(to);
      if (deliver === undefined) return 'gone';
      return deliver(from, tag, bytes) ? 'sent' : 'busy';
    },
    state: () => 'alone',
    tagCount: () => membersByTag.size,
    stop: () => Promise.resolve(),
  };
};
