import { bytesToText } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import { createMemoryCarriers, type MemoryCarriers } from './memory-carriers.ts';
import { pickDelayMs, type MemoryWorld } from './memory-faults.ts';
import type { OpenPipe, Pipe, PipeHandlers } from './pipe.ts';

export type MemoryPipesDeps = MemoryWorld & { readonly isBlocked: (from: string, to: string) => boolean };

export type MemoryPipes = {
  openPipe(name: string): OpenPipe;
  /** Who reaches whom has changed: carriers out of reach begin to fail, others go on. */
  checkReach(): void;
  cut(a: string, b: string): void;
  /** Ends the carriers of a device that is gone; the others notice after `failAfterMs`. */
  crash(name: string): void;
  closeAll(name: string): void;
  carrierCount(): number;
};

/** Brings the two halves of a pipe together: a description is the pipe's name, and the carriers open a moment after the answer is accepted. */
export const createMemoryPipes = (deps: MemoryPipesDeps): MemoryPipes => {
  const pipes: Pipes = { ...deps, offersByName: new Map(), standing: new Set() };
  const isCutOff = ({ names: [a, b] }: MemoryCarriers): boolean => deps.isBlocked(a, b) || deps.isBlocked(b, a);
  const touching = (name: string): readonly MemoryCarriers[] =>
    [...pipes.standing].filter(({ names }) => names.includes(name));
  return {
    openPipe: (name) => (role, handlers) => {
      const half: Half = { name, handlers, isOver: false, isOpen: false, end: null };
      return role === 'offerer' ? offer(pipes, half) : answer(pipes, half);
    },
    checkReach: () => {
      for (const carriers of pipes.standing) {
        if (!isCutOff(carriers)) carriers.pump();
        else
          deps.clock.after(deps.faults().failAfterMs, () => {
            if (isCutOff(carriers)) carriers.fail('connection-lost');
          });
      }
    },
    cut: (a, b) => {
      for (const carriers of touching(a)) if (carriers.names.includes(b)) carriers.fail('cut');
    },
    crash: (name) => {
      for (const carriers of touching(name)) {
        carriers.forsake(name);
        deps.clock.after(deps.faults().failAfterMs, () => carriers.fail('connection-lost'));
      }
    },
    closeAll: (name) => {
      for (const { names, ends } of touching(name)) ends[names[0] === name ? 0 : 1].close();
    },
    carrierCount: () => pipes.standing.size,
  };
};

type Pipes = MemoryPipesDeps & { readonly offersByName: Map<string, Offer>; readonly standing: Set<MemoryCarriers> };
type Half = {
  readonly name: string;
  readonly handlers: PipeHandlers;
  isOver: boolean;
  isOpen: boolean;
  end: (() => void) | null;
};
type Offer = { readonly offerer: Half; answerer: Half | null };

const offer = (pipes: Pipes, offerer: Half): Pipe => {
  const sdp = `memory:${bytesToText(pipes.random.bytes(16))}`;
  const made: Offer = { offerer, answerer: null };
  pipes.offersByName.set(sdp, made);
  soon(pipes, offerer, () => offerer.handlers.described(sdp));
  // Nobody answers an offer that is older than an attempt may be.
  pipes.clock.after(limits.connectTimeoutMs, () => pipes.offersByName.delete(sdp));
  return {
    accept: (answered) => {
      if (answered !== sdp || made.answerer === null) return refuse(offerer);
      pipes.offersByName.delete(sdp);
      pipes.clock.after(pickDelayMs(pipes.random, pipes.faults().carrierDelayMs), () => connect(pipes, made));
    },
    close: () => giveUp(offerer),
  };
};

const answer = (pipes: Pipes, answerer: Half): Pipe => ({
  accept: (sdp) => {
    const made = pipes.offersByName.get(sdp);
    if (made === undefined || made.answerer !== null) return refuse(answerer);
    made.answerer = answerer;
    soon(pipes, answerer, () => answerer.handlers.described(sdp));
  },
  close: () => giveUp(answerer),
});

const soon = (pipes: Pipes, half: Half, act: () => void): void => {
  pipes.clock.after(0, () => {
    if (!half.isOver) act();
  });
};

const refuse = (half: Half): void => {
  if (half.isOver) return;
  half.isOver = true;
  half.handlers.closed('sdp-refused');
};

const giveUp = (half: Half): void => {
  if (half.isOver || half.isOpen) return;
  half.isOver = true;
  half.end?.();
};

/** Does nothing when one half gave up or the way is not free: the attempt then runs into its time limit. */
const connect = (pipes: Pipes, { offerer, answerer }: Offer): void => {
  if (answerer === null || offerer.isOver || answerer.isOver) return;
  if (pipes.isBlocked(offerer.name, answerer.name) || pipes.isBlocked(answerer.name, offerer.name)) return;
  const halves = [offerer, answerer] as const;
  const carriers = createMemoryCarriers({
    ...pipes,
    names: [offerer.name, answerer.name],
    closed: (end, reason) => {
      if (carriers.isOver()) pipes.standing.delete(carriers);
      const half = halves[end];
      if (half.isOver) return;
      half.isOver = true;
      half.handlers.closed(reason);
    },
  });
  pipes.standing.add(carriers);
  halves.forEach((half, index) => {
    const end = carriers.ends[index === 0 ? 0 : 1];
    half.end = end.close;
    pipes.clock.after(pickDelayMs(pipes.random, pipes.faults().carrierDelayMs), () => {
      if (half.isOver) return;
      half.isOpen = true;
      half.handlers.opened(end);
    });
  });
};
