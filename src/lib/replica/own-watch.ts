import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Proof } from '../log/fork.ts';
import type { Entry, Head } from '../log/lanes.ts';

/** behind: neighbours hold more of us than we do. forked: two events of ours stand at one place. */
export type OwnAhead = 'behind' | 'forked';

type OwnWatchDeps = {
  readonly clock: Clock;
  readonly log: Pick<EventLog, 'compareOwn' | 'hold' | 'own' | 'damages' | 'forks'>;
  readonly isLink: (source: string) => boolean;
  readonly onAhead: ((kind: OwnAhead) => void) | undefined;
};

/**
 * Watches for a second writer with our own key: a disk that was rolled back, a profile that was copied. After a start the first
 * neighbour we reach is heard before anything is appended, for a bounded time; appends before any neighbour is there go on.
 * A claim makes us wait and ask; only our own signature counts: events of ours that came over a link, or a proof against us.
 */
export const createOwnWatch = ({ clock, log, isLink, onAhead }: OwnWatchDeps) => {
  let isCompared = false;
  let comparing: { readonly linkId: string; readonly release: () => void; readonly cancelTimer: () => void } | null =
    null;
  let isClaimed = false;
  let told: OwnAhead | null = null;

  const finish = (isHeard: boolean): void => {
    comparing?.release();
    comparing?.cancelTimer();
    comparing = null;
    isCompared ||= isHeard;
  };
  const tell = (kind: OwnAhead): void => {
    if (told === kind || told === 'forked') return;
    told = kind;
    onAhead?.(kind);
  };

  return {
    onUp: (linkId: string): void => {
      if (log.forks().some(({ device }) => device === log.own)) tell('forked');
      if (isCompared || comparing) return;
      isClaimed = false;
      const cancelTimer = clock.after(limits.ownComparisonMs, () => finish(true));
      comparing = { linkId, release: log.hold(), cancelTimer };
    },
    onHeads: (linkId: string, heads: readonly Head[], isAll: boolean): void => {
      if (comparing?.linkId !== linkId) return;
      isClaimed ||= log.compareOwn(heads) !== 'same';
      if (isAll && !isClaimed) finish(true);
    },
    /** Everything the neighbour claimed was asked for: what it had of us is here by now. */
    onIdle: (linkId: string): void => {
      if (comparing?.linkId === linkId && isClaimed) finish(true);
    },
    onDown: (linkId: string): void => {
      if (comparing?.linkId === linkId) finish(false);
    },
    onStored: (entries: readonly Entry[], source: string | null): void => {
      if (source === null || !isLink(source)) return;
      const isLost = ({ event: { header } }: Entry): boolean =>
        log.damages().some(({ author, lane, to }) => author === log.own && lane === header.lane && header.seq <= to);
      if (entries.some((entry) => entry.event.author === log.own && !isLost(entry))) tell('behind');
    },
    onProof: ({ device }: Proof): void => {
      if (device === log.own) tell('forked');
    },
    close: (): void => finish(false),
  };
};
