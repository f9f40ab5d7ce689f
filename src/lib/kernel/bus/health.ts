import { limits } from '../limits.ts';

/** What the last 100 calls to one capability of one device say, as measured here; what a device claims has no part in it. */
export type Health = {
  readonly calls: number;
  readonly successRate: number;
  readonly p50Ms: number;
  readonly quarantined: boolean;
  /** Its quarantine has run out: the next call is the one that decides. */
  readonly isProbeDue: boolean;
  /** Until then (ms since 1970) it said it has no room; 0 when it said nothing. */
  readonly busyUntil: number;
};

/** served; failed; slow: was left while it was still working, and took at least `ms`. */
export type CallOutcome = { readonly kind: 'served' | 'failed' | 'slow'; readonly ms: number };

const unknownP50Ms = 500;
const quarantineAfterCalls = 20;

type Window = {
  outcomes: CallOutcome[];
  /** The times of what served or was slow, ascending. */
  times: number[];
  served: number;
  failed: number;
  quarantinedUntil: number;
  probing: boolean;
  busyUntil: number;
};
const newWindow = (): Window => ({
  outcomes: [],
  times: [],
  served: 0,
  failed: 0,
  quarantinedUntil: 0,
  probing: false,
  busyUntil: 0,
});
const unknown = newWindow();

/**
 * Health per (device, capability) over a sliding window. A provider below half success over at least 20 calls is
 * quarantined for a minute; then exactly one probe decides. Kept while a device is away, so that leaving and coming back heals
 * nothing; the windows longest unused make room.
 */
export const createHealthBook = () => {
  const windowsByKey = new Map<string, Window>();
  const windowOf = (device: string, capability: string): Window => {
    const key = `${device} ${capability}`;
    const window = windowsByKey.get(key) ?? newWindow();
    windowsByKey.delete(key);
    windowsByKey.set(key, window);
    if (windowsByKey.size > limits.healthWindowsMax)
      for (const oldest of windowsByKey.keys()) {
        windowsByKey.delete(oldest);
        break;
      }
    return window;
  };
  return {
    of: (device: string, capability: string, nowMs: number): Health => {
      const window = windowsByKey.get(`${device} ${capability}`) ?? unknown;
      const { outcomes, served, failed, quarantinedUntil, probing, busyUntil } = window;
      return {
        calls: outcomes.length,
        successRate: served + failed === 0 ? 1 : served / (served + failed),
        p50Ms: p50Of(window),
        quarantined: nowMs < quarantinedUntil || (quarantinedUntil > 0 && probing),
        isProbeDue: quarantinedUntil > 0 && nowMs >= quarantinedUntil && !probing,
        busyUntil,
      };
    },
    /**
     * The router chose this provider: if its quarantine has just run out, this call is the one probe. The returned function
     * ends it, also when its outcome says nothing about the provider; then the next call is the probe.
     */
    begin: (
      device: string,
      capability: string,
      nowMs: number,
    ): { readonly isProbe: boolean; readonly end: () => void } => {
      const window = windowsByKey.get(`${device} ${capability}`);
      if (!window || window.quarantinedUntil === 0 || nowMs < window.quarantinedUntil)
        return { isProbe: false, end: () => {} };
      window.probing = true;
      return { isProbe: true, end: () => void (window.probing = false) };
    },
    record: (device: string, capability: string, outcome: CallOutcome, nowMs: number): void => {
      const window = windowOf(device, capability);
      // That it took at least so long is news only where it usually takes less.
      if (outcome.kind === 'slow' && outcome.ms <= p50Of(window)) return;
      if (nowMs < window.quarantinedUntil) return; // begun before the quarantine: it neither ends nor prolongs it
      if (window.quarantinedUntil > 0 && outcome.kind === 'served') Object.assign(window, newWindow());
      add(window, outcome);
      const judged = window.served + window.failed;
      const isSick = judged >= quarantineAfterCalls && window.failed * 2 > judged;
      window.quarantinedUntil = isSick ? nowMs + limits.quarantineMs : 0;
      window.probing = false;
    },
    /** It refused for want of room: it counts as full for as long as it says, within bounds, whatever its presence tells. */
    recordBusy: (device: string, capability: string, retryAfterMs: number | undefined, nowMs: number): void => {
      const claimed = retryAfterMs ?? limits.retryAfterUnknownMs;
      const waitMs = Math.min(Math.max(claimed, limits.retryAfterMinMs), limits.retryAfterMaxMs);
      windowOf(device, capability).busyUntil = nowMs + waitMs;
    },
  };
};
export type HealthBook = ReturnType<typeof createHealthBook>;

const p50Of = ({ times }: Window): number => times[(times.length - 1) >> 1] ?? unknownP50Ms;

const add = (window: Window, outcome: CallOutcome): void => {
  window.outcomes.push(outcome);
  count(window, outcome, 1);
  if (window.outcomes.length <= limits.healthWindowCalls) return;
  const dropped = window.outcomes.shift();
  if (dropped) count(window, dropped, -1);
};

const count = (window: Window, { kind, ms }: CallOutcome, by: 1 | -1): void => {
  if (kind === 'failed') {
    window.failed += by;
    return;
  }
  if (kind === 'served') window.served += by;
  const { times } = window;
  if (by < 0) times.splice(times.indexOf(ms), 1);
  else {
    let at = times.length;
    while (at > 0 && (times[at - 1] ?? 0) > ms) at -= 1;
    times.splice(at, 0, ms);
  }
};
