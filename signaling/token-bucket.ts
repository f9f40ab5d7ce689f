import type { Clock } from './clock.ts';

/** Fills with `perSecond` tokens a second up to `burst`; what does not fit is refused or becomes a debt, nothing waits in a queue. */
export type TokenBucket = {
  /** True when `count` tokens were there and have been taken; false takes none. */
  take(count: number): boolean;
  /** Takes them also when they are not there; the milliseconds until that debt is paid, 0 when there is none. */
  charge(count: number): number;
  /** Milliseconds until `count` tokens are there. */
  waitMs(count: number): number;
};

export const createTokenBucket = (options: { clock: Clock; perSecond: number; burst: number }): TokenBucket => {
  const { clock, perSecond, burst } = options;
  let tokens = burst;
  let filledAt = clock.now();

  /** A clock set back adds nothing and refilling goes on from there. */
  const fill = (): void => {
    const now = clock.now();
    tokens = Math.min(burst, tokens + (Math.max(0, now - filledAt) * perSecond) / 1000);
    filledAt = now;
  };

  return {
    take: (count) => {
      fill();
      if (tokens < count) return false;
      tokens -= count;
      return true;
    },
    charge: (count) => {
      fill();
      tokens -= count;
      return tokens >= 0 ? 0 : Math.ceil((-tokens / perSecond) * 1000);
    },
    waitMs: (count) => {
      fill();
      return Math.max(0, Math.ceil(((count - tokens) / perSecond) * 1000));
    },
  };
};
