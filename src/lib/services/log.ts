import { logBundle, logEntries, logOverview, type LogEntry, type LogOverview } from '../contracts/log.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import { failure } from '../kernel/errors.ts';
import { utf8 } from '../kernel/ids.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { err, ok } from '../kernel/result.ts';
import type { InspectedEntry, InspectedPage, LogCounts, PageWish } from '../log/inspection.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';

export type LogServiceDeps = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly current: () => Neighbourhood | null;
  readonly page: (here: Neighbourhood, wish: PageWish) => InspectedPage;
  readonly counts: (here: Neighbourhood) => LogCounts;
  readonly selfDevice: () => string;
  readonly build: string;
  /** What links and calls have refused since the start, by reason. */
  readonly refusals: () => ReadonlyMap<string, number>;
  /** How this node is linked now: kinds of links and their round trips, without who. */
  readonly links: () => readonly { readonly kind: string; readonly rttMs: number | null; readonly build: string }[];
};

const limitMax = 200;

/** The log shown to whoever wants to know: who, what kind, when, held by whom, and what has no effect for which reason. */
export const createLogService = (deps: LogServiceDeps): Startable => {
  const { bus, current } = deps;
  const stops = createStops();
  const none = () => err(failure('not_found', 'no-neighbourhood'));

  const nameOf = (here: Neighbourhood, device: string): string => {
    const membership = here.membership();
    const person = membership.personOf(device);
    return person === null ? '' : (membership.nameOf(person) ?? '');
  };

  /** Of some people those who are neither the author of something nor oneself: whether they hold it is not plain. */
  const others = (here: Neighbourhood, author: string, people: Iterable<string | null>): string[] => {
    const { members, personOf } = here.membership();
    const [by, self] = [personOf(author), personOf(deps.selfDevice())];
    return [...new Set(people)].flatMap((person) =>
      person === null || person === by || person === self ? [] : (members.get(person)?.name ?? []),
    );
  };

  /** Other people one of whose devices has signed that it holds something. */
  const holders = (here: Neighbourhood, author: string, devices: readonly string[]): string[] =>
    others(here, author, devices.map(here.membership().personOf)).toSorted();

  const show = (here: Neighbourhood, { heldBy, ...entry }: InspectedEntry): LogEntry => ({
    ...entry,
    name: nameOf(here, entry.device),
    isOwn: entry.device === deps.selfDevice(),
    heldBy: holders(here, entry.device, heldBy),
  });

  const overview = (here: Neighbourhood): LogOverview => {
    const { log, receipts } = here;
    const counts = deps.counts(here);
    const { orphans, parked } = log.waitingCounts();
    return {
      events: log.size,
      bytes: counts.bytes,
      withoutPayload: counts.withoutPayload,
      dropped: counts.dropped,
      people: here.membership().members.size,
      lanes: log.heads().map(({ author, lane, next }) => ({
        device: author,
        name: nameOf(here, author),
        lane,
        events: next,
        newestAt: counts.newestByPlace.get(`${author} ${lane}`) ?? 0,
        heldBy: holders(here, author, receipts.holders(author, lane, next - 1)).length,
        heldOf: others(here, author, here.membership().members.keys()).length,
      })),
      kinds: [...counts.kinds].map(([kind, count]) => ({ kind, count })).toSorted((a, b) => b.count - a.count),
      voids: toTally(counts.voids),
      waiting: { orphans, parked },
      refused: toTally(new Map([...log.refusals(), ...deps.refusals()])),
      damages: log.damages().map(({ author, lane, from, to }) => ({
        device: author,
        name: nameOf(here, author),
        lane,
        from,
        to,
      })),
      forks: log.forks().map(({ device, lane, seq, standsUpTo, first, second }) => ({
        device,
        name: nameOf(here, device),
        lane,
        seq,
        standsUpTo,
        first: first.id,
        second: second.id,
      })),
    };
  };

  /** Devices become numbers, in the order of the lanes; names and ids stay here. */
  const bundle = (here: Neighbourhood): string => {
    const { lanes, forks, damages, ...counted } = overview(here);
    const numbers = new Map<string, number>();
    const numberOf = (device: string): number => {
      if (!numbers.has(device)) numbers.set(device, numbers.size + 1);
      return numbers.get(device) ?? 0;
    };
    const traces = bus.traces.list(500).map(({ capability, outcome, ms, attempts, caller }) => ({
      capability,
      outcome,
      ms: Math.round(ms),
      attempts: attempts.map((attempt) => attempt.outcome),
      caller: caller === 'self' ? 'self' : 'neighbour',
    }));
    return JSON.stringify(
      {
        madeAt: new Date(deps.clock.now()).toISOString(),
        build: deps.build,
        ...counted,
        lanes: lanes.map(({ device, lane, events, newestAt, heldBy, heldOf }) => ({
          device: numberOf(device),
          lane,
          events,
          newestAt,
          heldBy,
          heldOf,
        })),
        damages: damages.map(({ device, lane, from, to }) => ({ device: numberOf(device), lane, from, to })),
        forks: forks.map(({ device, lane, seq, standsUpTo }) => ({ device: numberOf(device), lane, seq, standsUpTo })),
        links: deps.links(),
        traces,
      },
      null,
      1,
    );
  };

  return {
    start: () => {
      stops.add(
        bus.register(logOverview, () => {
          const here = current();
          return here ? ok(overview(here)) : none();
        }),
      );
      stops.add(
        bus.register(logEntries, ({ before, only, limit }) => {
          const here = current();
          if (!here) return none();
          const page = deps.page(here, { before, only, limit: Math.min(Math.max(1, limit), limitMax) });
          return ok({ entries: page.entries.map((entry) => show(here, entry)), next: page.next });
        }),
      );
      stops.add(
        bus.register(logBundle, () => {
          const here = current();
          if (!here) return none();
          const day = new Date(deps.clock.now()).toISOString().slice(0, 10);
          return ok({ file: utf8(bundle(here)), name: `hearthnet-diagnosis-${day}.json` });
        }),
      );
    },
    stop: stops.run,
  };
};

const toTally = (counts: ReadonlyMap<string, number>): { reason: string; count: number }[] =>
  [...counts].map(([reason, count]) => ({ reason, count })).toSorted((a, b) => b.count - a.count);
