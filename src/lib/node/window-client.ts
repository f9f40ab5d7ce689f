import type { AnyCapability, CallOptions, Reply } from '../kernel/call.ts';
import type { BusClient } from '../kernel/bus-client.ts';
import type { Capability } from '../kernel/capability.ts';
import { failure } from '../kernel/errors.ts';
import type { Stop } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import { readCall } from './window-call.ts';
import { createWindowCalls } from './window-calls.ts';
import type { FromNode } from './window-message.ts';
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

type NodeSeen = { readonly id: string; readonly term: number; readonly build: string; heardAt: number };

/**
 * The bus of a page, answered by the node wherever it runs. When the node changes (another tab leads now), subscriptions are
 * asked for again; another idempotent call is repeated once, from its beginning, so items of a stream may come a second time;
 * a call that may have changed something is answered `unknown_outcome`, because nobody can know whether it did.
 */
export const createWindowClient = ({ clock, window, build }: WindowClientDeps): WindowClient => {
  let port: WindowPort | null = null;
  let unlisten: Stop = () => {};
  let node: NodeSeen | null = null;
  let isClosed = false;
  const hello = (): void => port?.post({ type: 'hello', window, build });
  const isAlive = (): boolean => node !== null && clock.now() - node.heardAt <= limits.nodeBeatMs * limits.nodeBeatsMissedMax;
  const route = { hello, isAlive, node: () => node?.id ?? null, post: (message: Parameters<WindowPort['post']>[0]) => port?.post(message) };
  const calls = createWindowCalls({ clock, window, route });

  const loseNode = (): void => {
    node = null;
    calls.loseNode();
  };

  const onBeat = ({ node: id, term, build: nodeBuild }: Extract<FromNode, { type: 'beat' }>): void => {
    if (node?.id === id) {
      node.heardAt = clock.now();
      return;
    }
    // A leader that was frozen and does not know yet that it lost its seat still beats for a moment.
    if (node && term < node.term && isAlive()) return;
    loseNode();
    node = { id, term, build: nodeBuild, heardAt: clock.now() };
    calls.sendAll();
  };

  const hear = (message: FromNode): void => {
    if (message.type === 'beat') return onBeat(message);
    if (!node || message.node !== node.id) return;
    node.heardAt = clock.now();
    if (message.type === 'end') return loseNode();
    if (message.window !== window) return;
    if (message.type !== 'gone') return calls.hear(message, node.build === build);
    calls.loseNode();
    calls.sendAll();
  };

  const stream = <I, O, S>(capability: Capability<I, O, S>, input: I, options: CallOptions = {}): AsyncGenerator<S, Reply<O>> => {
    const open = () => (isClosed ? null : calls.open(capability as unknown as AnyCapability, input, options));
    return readCall({ open, grant: calls.grant, cancel: calls.cancel, signal: options.signal }) as AsyncGenerator<S, Reply<O>>;
  };

  const call: BusClient['call'] = async (capability, input, options) => {
    const items = stream(capability, input, options);
    let step = await items.next();
    while (!step.done) step = await items.next();
    return step.value;
  };

  const stopBeats = every(clock, () => limits.windowBeatMs, () => {
    if (node && calls.size() > 0) port?.post({ type: 'alive', window, node: node.id });
  });

  const leave = (): void => {
    port?.post({ type: 'bye', window });
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

  return { call, stream, use, leave, rejoin: hello, close };
};

const fromNodeTypes: ReadonlySet<string> = new Set<FromNode['type']>(['beat', 'item', 'done', 'gone', 'end']);
const isFromNode = (message: { type: string }): message is FromNode => fromNodeTypes.has(message.type);
