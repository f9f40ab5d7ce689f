import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';
import type { SignallingState } from '../kernel/ports/transport.ts';
import { openSignalSocket, type SignalSocket, type SocketConstructor } from './signal-socket.ts';
import { createTally, type Tally } from './tally.ts';

export type SignalListener = {
  /** Something published in the topic, by anybody who knows its name: sealed text, or what pretends to be. */
  message(data: string): void;
  /** The topic is subscribed on a fresh connection; what was said meanwhile is lost. */
  opened(): void;
};

/** Publish and subscribe over one WebSocket, as y-webrtc's verbs have it. Delivery is best effort; nothing is queued while it is lost. */
export type SignalClient = {
  /** At most `limits.signalTopicsPerConnectionMax` topics; the returned function unsubscribes. */
  subscribe(topic: string, listener: SignalListener): () => void;
  /** False when it could not be handed to the socket. */
  publish(topic: string, data: string): boolean;
  /** Connects at once when it is lost, and makes sure of the connection when it looks open. */
  probe(): void;
  state(): SignallingState;
  onState(listener: () => void): () => void;
  /** '' switches signalling off. */
  setUrl(url: string): void;
  /** Frames refused so far, by reason. */
  refusals(): ReadonlyMap<string, number>;
  stop(): void;
};

export type SignalClientDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly Socket: SocketConstructor;
  readonly url: string;
};

/** Connected exactly while there is a topic and an address; comes back by itself with a jittered, doubling pause. */
export const createSignalClient = (deps: SignalClientDeps): SignalClient => {
  const client: Client = {
    ...deps,
    topics: new Map(),
    listeners: new Set(),
    tally: createTally(),
    socket: null,
    state: { url: deps.url, state: 'off', since: deps.clock.now() },
    failures: 0,
    hasStopped: false,
    cancelReconnect: () => {},
  };
  return {
    subscribe: (topic, listener) => subscribe(client, topic, listener),
    publish: (topic, data) => client.socket?.send({ type: 'publish', topic, data }) ?? false,
    probe: () => {
      if (client.state.state === 'open') return client.socket?.probe();
      client.failures = 0;
      reconnect(client);
    },
    state: () => client.state,
    onState: (listener) => {
      client.listeners.add(listener);
      return () => void client.listeners.delete(listener);
    },
    setUrl: (url) => {
      if (url === client.state.url) return;
      client.url = url;
      client.failures = 0;
      setState(client, 'off');
      reconnect(client);
    },
    refusals: () => client.tally.counts(),
    stop: () => {
      client.hasStopped = true;
      client.topics.clear();
      reconnect(client);
    },
  };
};

type Client = {
  readonly clock: Clock;
  readonly random: Random;
  readonly Socket: SocketConstructor;
  readonly topics: Map<string, Set<SignalListener>>;
  readonly listeners: Set<() => void>;
  readonly tally: Tally;
  url: string;
  socket: SignalSocket | null;
  state: SignallingState;
  /** Connections in a row that ended before anything was heard on them. */
  failures: number;
  hasStopped: boolean;
  cancelReconnect(): void;
};

const subscribe = (client: Client, topic: string, listener: SignalListener): (() => void) => {
  if (client.hasStopped) return () => {};
  const known = client.topics.get(topic);
  if (known === undefined && client.topics.size >= limits.signalTopicsPerConnectionMax)
    throw new RangeError('signal: too many topics');
  const listeners = known ?? new Set();
  listeners.add(listener);
  client.topics.set(topic, listeners);
  if (client.socket === null && client.state.state === 'off') reconnect(client);
  else if (client.state.state === 'open') {
    if (known === undefined) client.socket?.send({ type: 'subscribe', topics: [topic] });
    listener.opened();
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || client.topics.get(topic) !== listeners) return;
    client.topics.delete(topic);
    client.socket?.send({ type: 'unsubscribe', topics: [topic] });
    if (client.topics.size === 0) reconnect(client);
  };
};

/** Drops the present connection and makes another, if there is a reason to have one. */
const reconnect = (client: Client): void => {
  client.cancelReconnect();
  client.socket?.close();
  client.socket = null;
  if (client.url === '' || client.topics.size === 0 || client.hasStopped) return setState(client, 'off');
  // "Lost since" stays true while it is being tried again.
  if (client.state.state !== 'lost') setState(client, 'connecting');
  client.socket = openSignalSocket({
    clock: client.clock,
    Socket: client.Socket,
    url: client.url,
    opened: () => opened(client),
    answered: (answer) => {
      client.failures = 0;
      if (answer.type !== 'publish') return;
      for (const listener of client.topics.get(answer.topic) ?? []) listener.message(answer.data);
    },
    refused: (reason) => client.tally.add(reason),
    lost: () => lost(client),
  });
};

const opened = (client: Client): void => {
  client.socket?.send({ type: 'subscribe', topics: [...client.topics.keys()] });
  setState(client, 'open');
  for (const listeners of [...client.topics.values()]) {
    for (const listener of [...listeners]) listener.opened();
  }
};

const lost = (client: Client): void => {
  client.socket = null;
  const baseMs = Math.min(
    limits.signalReconnectMaxMs / 2,
    limits.signalReconnectMinMs * 2 ** Math.min(client.failures, 16),
  );
  client.failures += 1;
  setState(client, 'lost');
  client.cancelReconnect = client.clock.after(baseMs + randomInt(client.random, baseMs), () => reconnect(client));
};

const setState = (client: Client, state: SignallingState['state']): void => {
  if (client.state.state === state && client.state.url === client.url) return;
  client.state = { url: client.url, state, since: client.clock.now() };
  for (const listener of [...client.listeners]) listener();
};
