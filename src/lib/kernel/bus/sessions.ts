import { limits } from '../limits.ts';
import type { Registry } from './registry.ts';

/** One conversation of one caller with one capability. */
export type SessionKey = { readonly capability: string; readonly caller: string; readonly session: string };

type Bound = { readonly key: string; readonly capability: string; readonly device: string; usedAt: number };

/**
 * Which device serves which session: the next call of a session goes where the last one was served. At most `limits.sessionsMax`,
 * the longest unused out first; none is kept for longer than `limits.sessionIdleMs` without a call, nor when its provider stops
 * offering the capability or leaves.
 */
export const createSessions = ({ registry }: { readonly registry: Pick<Registry, 'onGone'> }) => {
  /** In the order of their last use. */
  const boundByKey = new Map<string, Bound>();
  const boundByDevice = new Map<string, Set<Bound>>();

  const release = (bound: Bound): void => {
    boundByKey.delete(bound.key);
    const ofDevice = boundByDevice.get(bound.device);
    ofDevice?.delete(bound);
    if (ofDevice?.size === 0) boundByDevice.delete(bound.device);
  };
  const dropOld = (nowMs: number): void => {
    for (const bound of boundByKey.values()) {
      if (boundByKey.size <= limits.sessionsMax && nowMs - bound.usedAt < limits.sessionIdleMs) return;
      release(bound);
    }
  };
  registry.onGone((device, names) => {
    for (const bound of boundByDevice.get(device) ?? []) if (names.has(bound.capability)) release(bound);
  });

  return {
    /** The device that served the session last; null when it is new, was idle for too long or has been released. */
    of: (key: SessionKey, nowMs: number): string | null => {
      dropOld(nowMs);
      return boundByKey.get(textOf(key))?.device ?? null;
    },
    /** That device has served a call of the session. */
    bind: (sessionKey: SessionKey, device: string, nowMs: number): void => {
      const key = textOf(sessionKey);
      const before = boundByKey.get(key);
      if (before) release(before);
      const bound: Bound = { key, capability: sessionKey.capability, device, usedAt: nowMs };
      boundByKey.set(key, bound);
      const ofDevice = boundByDevice.get(device) ?? new Set();
      boundByDevice.set(device, ofDevice.add(bound));
      dropOld(nowMs);
    },
    get size() {
      return boundByKey.size;
    },
  };
};
export type Sessions = ReturnType<typeof createSessions>;

const textOf = ({ capability, caller, session }: SessionKey): string => JSON.stringify([capability, caller, session]);
