import type { Bus } from '../kernel/bus/bus.ts';
import type { AnyCapability, CallOptions, Reply } from '../kernel/bus/call.ts';
import { createCallerItems, type CallerItems } from '../kernel/bus/caller-items.ts';
import { isCompatible, parseCapabilityId } from '../kernel/bus/capability.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { createStops, type Stop } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import { err } from '../kernel/result.ts';
import type { FromNode, FromWindow } from './window-message.ts';
import type { WindowPort } from './window-port.ts';

export type WindowServerDeps = {
  readonly bus: Pick<Bus, 'serve'>;
  readonly contractsByName: ReadonlyMap<string, AnyCapability>;
  readonly clock: Clock;
  /** One run of the node; a fresh random text each time. */
  readonly node: string;
  /** Grows from leader to leader: the epoch its store claimed. */
  readonly term: number;
  readonly build: string;
};

type CallMessage = Extract<FromWindow, { type: 'call' }>;
type CallPlace = Pick<CallMessage, 'window' | 'node' | 'id'>;
type Served = {
  readonly control: AbortController;
  readonly items: CallerItems<unknown> | null;
  credit: number;
  wake: () => void;
};
type OpenWindow = {
  readonly id: string;
  port: WindowPort;
  silentTurns: number;
  readonly callsById: Map<number, Served>;
};

/**
 * Answers windows on behalf of the node, in the node's worker. A window calls as this device itself (`self`): only pages of
 * this origin in this browser profile can reach these ports. A handler is pulled no further than its window gave credit for,
 * and a window that says bye or falls silent has all its calls cancelled.
 */
export const serveWindows = (deps: WindowServerDeps) => {
  const { clock, node, term, build } = deps;
  const ports = new Set<WindowPort>();
  const stops = createStops();

  const beat = (): void => {
    for (const port of ports) port.post({ type: 'beat', node, term, build });
  };

  const book = createWindowBook((window) => window.port.post({ type: 'gone', window: window.id, node }));

  const take = (port: WindowPort, message: CallMessage): void => {
    const refuse = (refusal: Failure): void => port.post(doneMessage(message, err(refusal)));
    const window = book.meet(port, message.window);
    if (!window) return refuse(failure('capacity_exceeded', 'too-many-windows'));
    if (window.callsById.has(message.id)) return;
    if (window.callsById.size >= limits.windowCallsMax) return refuse(failure('capacity_exceeded', 'too-many-calls'));
    const capability = findCapability(deps.contractsByName, message.capability);
    if (!capability) return refuse(failure('not_found', 'unknown-capability'));
    void serveCall(deps.bus, window, message, capability).then(() => book.forgetIdle(window));
  };

  const hear = (port: WindowPort, message: FromWindow): void => {
    if (message.type === 'hello') return port.post({ type: 'beat', node, term, build });
    const window = book.of(message.window);
    if (message.type === 'bye') return window && book.drop(window);
    if (message.node !== node) return;
    if (message.type === 'call') return take(port, message);
    if (!window) return;
    window.silentTurns = 0;
    if (message.type === 'alive') return;
    const served = window.callsById.get(message.id);
    if (!served) return;
    if (message.type === 'cancel') return served.control.abort(failure('cancelled', 'by-caller'));
    if (message.type === 'feed') return takeFed(window, message, served);
    if (message.type === 'fed') return void served.items?.end();
    served.credit = Math.min(served.credit + message.items, limits.streamQueueItemsMax);
    served.wake();
  };

  stops.add(every(clock, () => limits.nodeBeatMs, beat));
  stops.add(every(clock, () => limits.windowBeatMs, book.sweep));

  return {
    /** Serves whoever speaks through this port, one window or many, until the returned function is called. */
    add: (port: WindowPort): Stop => {
      const deafen = port.listen((message) => {
        if (isFromWindow(message)) hear(port, message);
      });
      ports.add(port);
      stops.add(deafen);
      port.post({ type: 'beat', node, term, build });
      return () => {
        deafen();
        ports.delete(port);
        for (const window of book.all()) if (window.port === port) book.drop(window);
      };
    },
    /** How many windows have something open, for the status page. */
    openWindows: (): number => book.all().length,
    /** Cancels everything and tells the windows that this node has ended, so that they wait for the next. */
    stop: (): void => {
      stops.run();
      for (const window of book.all()) book.drop(window);
      for (const port of ports) port.post({ type: 'end', node });
      ports.clear();
    },
  };
};
export type WindowServer = ReturnType<typeof serveWindows>;

/** The windows that have something open. One that falls silent is given up, and told so should it ever come back. */
const createWindowBook = (onGone: (window: OpenWindow) => void) => {
  const windowsById = new Map<string, OpenWindow>();
  const drop = (window: OpenWindow): void => {
    windowsById.delete(window.id);
    for (const { control } of window.callsById.values()) control.abort(failure('cancelled', 'window-gone'));
  };
  return {
    drop,
    of: (id: string): OpenWindow | undefined => windowsById.get(id),
    all: (): OpenWindow[] => [...windowsById.values()],
    meet: (port: WindowPort, id: string): OpenWindow | null => {
      const known = windowsById.get(id);
      if (!known && windowsById.size >= limits.windowsMax) return null;
      const window = known ?? { id, port, silentTurns: 0, callsById: new Map() };
      window.port = port;
      window.silentTurns = 0;
      windowsById.set(id, window);
      return window;
    },
    forgetIdle: (window: OpenWindow): void => {
      if (window.callsById.size === 0 && windowsById.get(window.id) === window) windowsById.delete(window.id);
    },
    sweep: (): void => {
      for (const window of [...windowsById.values()]) {
        window.silentTurns += 1;
        // Turns are counted, not time: after the machine slept, windows get their chance to speak first.
        if (window.silentTurns * limits.windowBeatMs < limits.windowGoneMs) continue;
        drop(window);
        onGone(window);
      }
    },
  };
};

const fromWindowTypes: ReadonlySet<string> = new Set<FromWindow['type']>([
  'hello',
  'call',
  'cancel',
  'credit',
  'feed',
  'fed',
  'alive',
  'bye',
]);
const isFromWindow = (message: { type: string }): message is FromWindow => fromWindowTypes.has(message.type);

const findCapability = (contractsByName: ReadonlyMap<string, AnyCapability>, text: string): AnyCapability | null => {
  const asked = parseCapabilityId(text);
  const capability = asked && contractsByName.get(asked.name);
  return asked && capability && isCompatible(capability.version, asked.version) ? capability : null;
};

const doneMessage = ({ window, node, id }: CallPlace, reply: Reply<unknown>): FromNode => ({
  type: 'done',
  window,
  node,
  id,
  reply,
});

/** Pulls one call's items as credit allows and posts them, then the reply. Never throws: a bug becomes `internal`. */
const serveCall = async (
  bus: Pick<Bus, 'serve'>,
  window: OpenWindow,
  message: CallMessage,
  capability: AnyCapability,
): Promise<void> => {
  const { node, id } = message;
  const control = new AbortController();
  const want = (items: number): void => window.port.post({ type: 'want', window: window.id, node, id, items });
  const items = message.streams ? createCallerItems<unknown>(want, control.signal, (item) => item) : null;
  const served: Served = { control, items, credit: message.credit, wake: () => {} };
  window.callsById.set(id, served);
  control.signal.addEventListener('abort', () => served.wake());
  const source = bus.serve({ kind: 'self' }, capability, message.input, {
    ...withoutUndefined(message.options),
    ...(items ? { items } : {}),
    signal: control.signal,
  });
  if (items) want(limits.streamCreditItems);
  const finish = (reply: Reply<unknown>): void => {
    if (!control.signal.aborted) window.port.post(doneMessage(message, reply));
  };
  try {
    for (;;) {
      await creditFor(served);
      if (control.signal.aborted) break;
      const step = await source.next();
      if (step.done) {
        finish(step.value);
        break;
      }
      if (control.signal.aborted) break;
      served.credit -= 1;
      window.port.post({ type: 'item', window: window.id, node, id, value: step.value });
    }
  } catch (error) {
    finish(err(failure('internal', error instanceof Error ? error.name : 'window-server')));
  } finally {
    window.callsById.delete(id);
    control.abort(failure('cancelled', 'call-ended'));
    // Told to end, not waited for: a handler stuck in an await must not keep this call's place.
    void source.return(err(failure('cancelled', 'window-left')));
  }
};

/** Resolves when there is credit for one more item, or when the call is cancelled. */
const creditFor = (served: Served): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (served.credit > 0 || served.control.signal.aborted) resolve();
    };
    served.wake = look;
    look();
  });

/** An item beyond what was wanted, or for a call that takes none: the window does not keep to the protocol, and its call ends. */
const takeFed = (window: OpenWindow, message: CallPlace & { readonly value: unknown }, served: Served): void => {
  if (served.control.signal.aborted) return;
  const reason = served.items ? served.items.push(message.value) : 'no-stream';
  if (reason === null) return;
  window.port.post(doneMessage(message, err(failure('bad_request', reason))));
  served.control.abort(failure('bad_request', reason));
};

type Wish = CallMessage['options'];
const withoutUndefined = ({ params, device, localOnly, session, deadlineMs, trace, clientId }: Wish): CallOptions => ({
  ...(params === undefined ? {} : { params }),
  ...(device === undefined ? {} : { device }),
  ...(localOnly === undefined ? {} : { localOnly }),
  ...(session === undefined ? {} : { session }),
  ...(deadlineMs === undefined ? {} : { deadlineMs }),
  ...(trace === undefined ? {} : { trace }),
  ...(clientId === undefined ? {} : { clientId }),
});
