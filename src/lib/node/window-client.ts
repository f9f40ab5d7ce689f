import type { AnyCapability, CallOptions, Reply } from '../kernel/bus/call.ts';
import type { BusClient } from '../kernel/bus/bus-client.ts';
import type { Capability } from '../kernel/bus/capability.ts';
import { failure } from '../kernel/errors.ts';
import type { Stop } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import { readCall } from './window-call.ts';
import { createWindowCalls } from './window-calls.ts';
import type { FromNode, FromWindow } from './window-message.ts';
import type { WindowPort } from './window-port.ts';

export type WindowClientDeps = {
  readonly clock: Clock;
  /** A random text of this page, to be told apart from the other windows. */
  readonly window: string;
  readonly build: string;
};

export type WindowClient = BusClient & {
  /** Speaks through this port from now on; null while there is no way to a node. The port stays its owner's to close. */
  use(port: WindowPort | null): void;
  /** Says bye, so that the node cancels what is open here; `rejoin` asks for all of it again (the page came back). */
  leave(): void;
  rejoin(): void;
  close(): void;
};

type NodeSeen = { readonly id: string; readonly term: number; readonly build: string };

/**
 * The bus of a page, answered by the node wherever it runs. When the node changes (another tab leads now), subscriptions are
 * asked for again; another idempotent call is repeated once, from its beginning, so items of a stream may come a second time;
 * a call that may have changed something is answered `unknown_outcome`, because nobody can know whether it did.
 */
export const createWindowClient = ({ clock, window, build }: WindowClientDeps): WindowClient => {
  let port: WindowPort | null = null;
  let unlisten: Stop = () => {};
  let isClosed = false;
  const watch = createNodeWatch(clock);
  const hello = (): void => port?.post({ type: 'hello', window, build });
  const post = (message: FromWindow): void => port?.post(message);
  const route = { hello, post, isAlive: watch.isAlive, node: () => watch.node()?.id ?? null };
  const calls = createWindowCalls({ clock, window, route });

  const loseNode = (): void => {
    watch.forget();
    calls.loseNode();
  };

  const hear = (message: FromNode): void => {
    if (message.type === 'beat') {
      if (!watch.isChangedBy(message)) return;
      calls.loseNode();
      return calls.sendAll();
    }
    const node = watch.node();
    if (message.node !== node?.id) return;
    watch.heard();
    if (message.type === 'end') return loseNode();
    if (message.window !== window) return;
    if (message.type !== 'gone') return calls.hear(message, node.build === build);
    calls.loseNode();
    calls.sendAll();
  };

  const stream = <I, O, S, U>(
    capability: Capability<I, O, S, U>,
    input: I,
    options: CallOptions = {},
  ): AsyncGenerator<S, Reply<O>> => {
    const open = () => (isClosed ? null : calls.open(capability as unknown as AnyCapability, input, options));
    return readCall({ open, grant: calls.grant, cancel: calls.cancel, signal: options.signal }) as AsyncGenerator<
      S,
      Reply<O>
    >;
  };

  const stopBeats = every(
    clock,
    () => limits.windowBeatMs,
    () => {
      const node = watch.node();
      if (node && calls.size() > 0) post({ type: 'alive', window, node: node.id });
    },
  );

  const leave = (): void => {
    post({ type: 'bye', window });
    loseNode();
  };

  const use = (next: WindowPort | null): void => {
    unlisten();
    loseNode();
    port = isClosed ? null : next;
    unlisten = port?.listen((message) => void (isFromNode(message) && hear(message))) ?? (() => {});
    hello();
  };

  const close = (): void => {
    if (isClosed) return;
    leave();
    isClosed = true;
    stopBeats();
    use(null);
    calls.endAll(failure('unavailable', 'window-closed'));
  };

  return { call: callThrough(stream), stream, use, leave, rejoin: hello, close };
};

/** A call is a stream of which only the reply is wanted. */
const callThrough =
  (stream: BusClient['stream']): BusClient['call'] =>
  async (capability, input, options) => {
    const items = stream(capability, input, options);
    let step = await items.next();
    while (!step.done) step = await items.next();
    return step.value;
  };

/** Which run of the node is spoken with, and when it was last heard of. */
const createNodeWatch = (clock: Clock) => {
  let node: NodeSeen | null = null;
  let heardAt = 0;
  const isAlive = (): boolean =>
    node !== null && clock.now() - heardAt <= limits.nodeBeatMs * limits.nodeBeatsMissedMax;
  return {
    isAlive,
    node: (): NodeSeen | null => node,
    heard: (): void => void (heardAt = clock.now()),
    forget: (): void => void (node = null),
    /** True when this beat is of another node than before, and that one is to be followed. */
    isChangedBy: ({ node: id, term, build }: Extract<FromNode, { type: 'beat' }>): boolean => {
      const isSame = node?.id === id;
      // A leader that was frozen and does not know yet that it lost its seat still beats for a moment.
      if (!isSame && node && term < node.term && isAlive()) return false;
      heardAt = clock.now();
      node = { id, term, build };
      return !isSame;
    },
  };
};

const fromNodeTypes: ReadonlySet<string> = new Set<FromNode['type']>(['beat', 'item', 'done', 'want', 'gone', 'end']);
const isFromNode = (message: { type: string }): message is FromNode => fromNodeTypes.has(message.type);
