import { logBundle, logEntries, logOverview, type LogEntry, type LogOverview } from '../contracts/log.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import type { Failure } from '../kernel/errors.ts';

export type { LogEntry, LogOverview };
export type LogFilter = 'all' | 'void' | 'authority';

const pageSize = 50;

/** The log as its inspector shows it: counted when the screen opens and when asked again, entries page by page. */
export const createLogState = ({ bus }: { bus: BusClient }) => {
  let overview = $state.raw<LogOverview | null>(null);
  let entries = $state.raw<readonly LogEntry[]>([]);
  let next = $state<string | null>(null);
  let only = $state<LogFilter>('all');
  let isCounting = $state(false);
  let isReading = $state(false);
  let isBundling = $state(false);
  let failure = $state.raw<Failure | null>(null);
  /** Grows with every fresh start, so that an answer to an older question is not shown. */
  let turn = 0;

  const count = async (): Promise<void> => {
    isCounting = true;
    const reply = await bus.call(logOverview, {});
    isCounting = false;
    if (reply.ok) overview = reply.value.output;
    failure = reply.ok ? null : reply.error;
  };

  const read = async (before: string | null): Promise<void> => {
    const asked = turn;
    isReading = true;
    const reply = await bus.call(logEntries, { before, only, limit: pageSize });
    if (asked !== turn) return;
    isReading = false;
    if (!reply.ok) {
      failure = reply.error;
      return;
    }
    entries = before === null ? reply.value.output.entries : [...entries, ...reply.value.output.entries];
    next = reply.value.output.next;
  };

  const start = async (): Promise<void> => {
    turn += 1;
    entries = [];
    next = null;
    await read(null);
  };

  return {
    get overview() {
      return overview;
    },
    get entries() {
      return entries;
    },
    get hasMore() {
      return next !== null;
    },
    get only() {
      return only;
    },
    get isCounting() {
      return isCounting;
    },
    get isReading() {
      return isReading;
    },
    get isBundling() {
      return isBundling;
    },
    get failure() {
      return failure;
    },
    refresh: async (): Promise<void> => {
      await Promise.all([count(), start()]);
    },
    show: (filter: LogFilter): Promise<void> => {
      only = filter;
      return start();
    },
    more: (): Promise<void> => (next === null ? Promise.resolve() : read(next)),
    /** The diagnostic file, or null when it could not be made; `failure` then says why. */
    bundle: async (): Promise<{ file: Uint8Array; name: string } | null> => {
      isBundling = true;
      const reply = await bus.call(logBundle, {});
      isBundling = false;
      failure = reply.ok ? null : reply.error;
      return reply.ok ? reply.value.output : null;
    },
  };
};
export type LogState = ReturnType<typeof createLogState>;
