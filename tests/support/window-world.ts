import { literal, number, object, string } from 'valibot';
import { define, noDeadline } from '../../src/lib/contracts/define.ts';
import { createBus, type Bus } from '../../src/lib/kernel/bus/bus.ts';
import type { AnyCapability } from '../../src/lib/kernel/bus/call.ts';
import { platformRandom as random } from '../../src/lib/node/platform.ts';
import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { parseWindowMessage, type WindowMessage } from '../../src/lib/node/window-message.ts';
import type { WindowPort } from '../../src/lib/node/window-port.ts';

/** Time that moves only when told to. */
export const createHandClock = () => {
  let nowMs = 1_000_000;
  let timers: { at: number; run: () => void }[] = [];
  const clock: Clock = {
    now: () => nowMs,
    after: (delayMs, run) => {
      const timer = { at: nowMs + delayMs, run };
      timers.push(timer);
      return () => void (timers = timers.filter((each) => each !== timer));
    },
  };
  /** Runs every timer that falls due on the way, letting messages arrive after each. */
  const advance = async (byMs: number): Promise<void> => {
    const endMs = nowMs + byMs;
    for (;;) {
      const next = timers.filter(({ at }) => at <= endMs).toSorted((a, b) => a.at - b.at)[0];
      if (!next) break;
      timers = timers.filter((each) => each !== next);
      nowMs = Math.max(nowMs, next.at);
      next.run();
      await settled();
    }
    nowMs = endMs;
    await settled();
  };
  return { clock, advance };
};

/** Lets everything that is already on its way arrive: the wire below delivers by microtask, so one turn of the loop is enough. */
export const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** A broadcast channel in memory: everybody but the sender hears a copy. A cut port neither hears nor is heard. */
export const createWire = () => {
  const heard: WindowMessage[] = [];
  const ears = new Map<symbol, Set<(message: WindowMessage) => void>>();
  const cut = new Set<symbol>();
  const deliver = (from: symbol | null, raw: unknown): void => {
    const copy: unknown = structuredClone(raw);
    if (from && cut.has(from)) return;
    const message = parseWindowMessage(copy);
    if (message) heard.push(message);
    for (const [to, listeners] of ears) {
      if (to === from) continue;
      queueMicrotask(() => {
        if (message && !cut.has(to)) for (const listener of [...listeners]) listener(message);
      });
    }
  };
  return {
    heard,
    raw: (value: unknown): void => deliver(null, value),
    open: (): WindowPort & { cut(): void } => {
      const key = Symbol('port');
      const listeners = new Set<(message: WindowMessage) => void>();
      ears.set(key, listeners);
      return {
        post: (message) => deliver(key, message),
        listen: (listener) => {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
        close: () => void ears.delete(key),
        cut: () => void cut.add(key),
      };
    },
  };
};
export type Wire = ReturnType<typeof createWire>;

const base = { policy: 'self' as const };
export const echo = define({
  name: 'test.echo',
  input: object({ text: string() }),
  output: object({ text: string(), node: string() }),
  ...base,
});
/** Waits for the test to answer it. */
export const slow = define({ name: 'test.slow', input: object({}), output: object({ node: string() }), ...base });
export const post = define({
  name: 'test.post',
  input: object({ text: string() }),
  output: object({ count: number() }),
  idempotent: false,
  ...base,
});
/** A view: its value now and at each change, until the reader leaves. */
export const view = define({
  name: 'test.view',
  input: object({}),
  output: object({}),
  item: object({ node: string(), value: number() }),
  timeoutMs: noDeadline,
  ...base,
});
/** Produces as fast as it is pulled, for ever. */
export const flood = define({
  name: 'test.flood',
  input: object({}),
  output: object({}),
  item: object({ n: number() }),
  timeoutMs: noDeadline,
  ...base,
});
export const guarded = define({
  name: 'test.guarded',
  input: object({}),
  output: object({ caller: literal('self') }),
  ...base,
});

/** Adds up what its caller streams, and tells every sum on the way. */
export const sum = define({
  name: 'test.sum',
  input: object({ most: number() }),
  output: object({ sum: number() }),
  item: object({ sum: number() }),
  inputItem: object({ n: number() }),
  timeoutMs: noDeadline,
  ...base,
});

/** Commits one event to the node's store and says what came of it; only the nodes of real workers offer it. */
export const write = define({
  name: 'test.write',
  input: object({ seq: number() }),
  output: object({ outcome: string(), epoch: number() }),
  idempotent: false,
  ...base,
});

export const testContracts: ReadonlyMap<string, AnyCapability> = new Map(
  ([echo, slow, post, view, flood, guarded, sum, write] as unknown as AnyCapability[]).map((capability) => [
    capability.name,
    capability,
  ]),
);

/** A real bus with those handlers, and what a test wants to see of them. */
export const createTestNode = (node: string, clock: Clock, posts: string[] = []) => {
  const bus: Bus = createBus({
    clock,
    random,
    self: () => node,
    views: { roleOf: () => null },
    remote: {
      stream: () => {
        throw new Error('this node has no neighbours');
      },
    },
  });
  const seen = { floodProduced: 0, viewsOpen: 0, slowStarted: 0, cancelled: 0, sumsOpen: 0 };
  const waiting: (() => void)[] = [];
  const onView = new Set<() => void>();
  let value = 0;
  const change = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      onView.add(resolve);
      signal.addEventListener('abort', () => resolve());
    });
  bus.register(echo, async ({ text }) => ok({ text, node }));
  bus.register(guarded, async (_input, { caller }) => ok({ caller: caller.kind as 'self' }));
  bus.register(slow, async (_input, { signal }) => {
    seen.slowStarted += 1;
    signal.addEventListener('abort', () => (seen.cancelled += 1));
    await new Promise<void>((resolve) => waiting.push(resolve));
    return ok({ node });
  });
  bus.register(post, async ({ text }) => {
    posts.push(text);
    await new Promise<void>((resolve) => waiting.push(resolve));
    return ok({ count: posts.length });
  });
  bus.register(view, async function* (_input, { signal }) {
    seen.viewsOpen += 1;
    try {
      while (!signal.aborted) {
        const changed = change(signal);
        yield { node, value };
        await changed;
      }
      return ok({});
    } finally {
      seen.viewsOpen -= 1;
    }
  });
  bus.register(sum, async function* ({ most }, { items }) {
    seen.sumsOpen += 1;
    let all = 0;
    try {
      for await (const { n } of items) {
        yield { sum: (all += n) };
        if (all >= most) break;
      }
      return ok({ sum: all });
    } finally {
      seen.sumsOpen -= 1;
    }
  });
  bus.register(flood, async function* (_input, { signal }) {
    while (!signal.aborted) yield { n: (seen.floodProduced += 1) };
    return ok({});
  });
  return {
    bus,
    seen,
    /** Lets the waiting handlers answer. */
    answer: (): void => {
      for (const resolve of waiting.splice(0)) resolve();
    },
    setValue: (next: number): void => {
      value = next;
      for (const changed of [...onView]) changed();
      onView.clear();
    },
  };
};
