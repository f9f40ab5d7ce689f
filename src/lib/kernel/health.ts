import { limits } from './limits.ts';

/** What the last 100 calls to one capability of one device say: success rate, median time, and whether to leave it alone. */
export type Health = {
  readonly calls: number;
  readonly successRate: number;
  readonly p50Ms: number;
  readonly quarantined: boolean;
};

const unknownP50Ms = 500;
const quarantineAfterCalls = 20;

type Window = { outcomes: { success: boolean; ms: number }[]; quarantinedUntil: number; probing: boolean };

/**
 * Health per (device, capability) over a sliding window. A provider below half success over at least 20 calls is
 * quarantined for a minute; then exactly one probe decides.
 */
export const createHealthBook = () => {
  const windowsByKey = new Map<string, Window>();
  const windowOf = (key: string): Window => {
    const known = windowsByKey.get(key);
    if (known) return known;
    const fresh: Window = { outcomes: [], quarantinedUntil: 0, probing: false };
    windowsByKey.set(key, fresh);
    return fresh;
  };
  return {
    of: (device: string, capability: string, nowMs: number): Health => {
      const window = windowsByKey.get(`${device} ${capability}`);
      if (!window) return { calls: 0, successRate: 1, p50Ms: unknownP50Ms, quarantined: false };
      const successes = window.outcomes.filter((outcome) => outcome.success);
      return {
        calls: window.outcomes.length,
        successRate: window.outcomes.length === 0 ? 1 : successes.length / window.outcomes.length,
        p50Ms: median(successes.map((outcome) => outcome.ms)) ?? unknownP50Ms,
        quarantined: nowMs < window.quarantinedUntil || (window.quarantinedUntil > 0 && window.probing),
      };
    },
    /**
     * The router chose this provider: if its quarantine has just run out, this call is the one probe. The returned function
     * ends it, also when its outcome says nothing about the provider; then the next call is the probe.
     */
    begin: (device: string, capability: string): (() => void) => {
      const window = windowsByKey.get(`${device} ${capability}`);
      if (!window || window.quarantinedUntil === 0) return () => {};
      window.probing = true;
      return () => {
        window.probing = false;
      };
    },
    record: (device: string, capability: string, outcome: { success: boolean; ms: number }, nowMs: number): void => {
      const window = windowOf(`${device} ${capability}`);
      if (window.quarantinedUntil > 0 && outcome.success) window.outcomes = [];
      window.outcomes.push(outcome);
      if (window.outcomes.length > limits.healthWindowCalls) window.outcomes.shift();
      const failed = window.outcomes.filter((each) => !each.success).length;
      const isSick = window.outcomes.length >= quarantineAfterCalls && failed * 2 > window.outcomes.length;
      window.quarantinedUntil = isSick ? nowMs + limits.quarantineMs : 0;
      window.probing = false;
    },
    forget: (device: string): void => {
      for (const key of windowsByKey.keys()) if (key.startsWith(`${device} `)) windowsByKey.delete(key);
    },
  };
};
export type HealthBook = ReturnType<typeof createHealthBook>;

const median = (values: readonly number[]): number | null => {
  if (values.length === 0) return null;
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? null;
};
