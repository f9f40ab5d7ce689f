import type { Event } from './event.ts';
import type { Proof } from './fork.ts';
import type { Entry } from './lanes.ts';

/** Entries that have just become part of the log (or got their payload), and where they came from: null for our own. */
export type Stored = {
  readonly entries: readonly Entry[];
  readonly source: string | null;
  /** True when events have gone (a fork was proven): what was folded from the log is folded anew. */
  readonly isRebuilt: boolean;
};

/** Who wants to hear what has been committed. */
export const createNews = () => {
  const onStored = new Set<(stored: Stored) => void>();
  const onPreview = new Set<() => void>();
  const onJudged = new Set<() => void>();
  const onProof = new Set<(proof: Proof, source: string) => void>();
  const onResigned = new Set<(event: Event, source: string) => void>();
  return {
    tell: (entries: readonly Entry[], source: string | null, isRebuilt = false): void => {
      if (entries.length > 0 || isRebuilt) for (const listener of onStored) listener({ entries, source, isRebuilt });
    },
    tellJudged: (): void => onJudged.forEach((listener) => listener()),
    tellPreview: (): void => onPreview.forEach((listener) => listener()),
    tellProof: (proof: Proof, source: string): void => onProof.forEach((listener) => listener(proof, source)),
    tellResigned: (event: Event, source: string): void => onResigned.forEach((listener) => listener(event, source)),
    onStored: (listener: (stored: Stored) => void): (() => void) => listen(onStored, listener),
    /** Events that wait can be shown that could not before: nothing is stored yet. */
    onPreview: (listener: () => void): (() => void) => listen(onPreview, listener),
    /** A device was frozen, or a pin has moved: other events count than did, though none came or went. */
    onJudged: (listener: () => void): (() => void) => listen(onJudged, listener),
    /** A proof was stored that is new to this node. */
    onProof: (listener: (proof: Proof, source: string) => void): (() => void) => listen(onProof, listener),
    /** Of an event we hold a smaller envelope came, with another good signature: the stored bytes have changed. */
    onResigned: (listener: (event: Event, source: string) => void): (() => void) => listen(onResigned, listener),
  };
};
export type News = ReturnType<typeof createNews>;

const listen = <T>(listeners: Set<T>, listener: T): (() => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};
