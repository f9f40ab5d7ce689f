import { bytesToText, textToBytes } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { SigningKey } from '../kernel/ports/crypto.ts';
import { randomInt, type Random } from '../kernel/ports/random.ts';
import type { SignallingState } from '../kernel/ports/transport.ts';
import { openMeshSocket, type Joined, type MeshNews, type MeshSocket, type SocketConstructor } from './mesh-socket.ts';
import { createMeshTags, tagBytes, type MeshTags, type TagListener } from './mesh-tags.ts';

/** One server's `/mesh`, connected exactly while somebody holds a tag; comes back by itself with a jittered, doubling pause. */
export type MeshServer = {
  /** As it was given; the state's `url` too. */
  readonly url: string;
  state(): SignallingState;
  /** Of the connection that stands; null while none does. */
  joined(): Joined | null;
  /** Meets at the tag until released. At most `limits.meshTagsPerConnectionMax` tags. */
  hold(tag: string, listener: TagListener): () => void;
  /** False when it could not be handed to the socket. */
  send(to: string, tag: string, bytes: Uint8Array<ArrayBuffer>): boolean;
  /** Asks again who is there; also shows the server that this device still is. */
  meet(tag: string): boolean;
  /** Milliseconds until the server answered at this tag; null when it did not within `limits.signalProbeMs`. */
  tryMeeting(tag: string): Promise<number | null>;
  /** The connection as it stands, for the boxes; null while none does. */
  socket(): MeshSocket | null;
  /** Answers that are about boxes. */
  onNews(listener: (news: MeshNews | 'joined' | 'lost') => void): () => void;
  /** Connects at once when it is lost, and makes sure of the connection when it looks open. */
  probe(): void;
  onState(listener: () => void): () => void;
  stop(): void;
};

export type MeshServerDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly Socket: SocketConstructor;
  readonly pseudonym: () => Promise<SigningKey>;
  readonly refused: (reason: string) => void;
};

export const createMeshServer = (deps: MeshServerDeps, url: string): MeshServer => {
  const server: Server = {
    ...deps,
    tags: createMeshTags(),
    stateListeners: new Set(),
    newsListeners: new Set(),
    socket: null,
    joined: null,
    state: { url, state: 'off', since: deps.clock.now() },
    failures: 0,
    joinedAt: 0,
    hasStopped: false,
    cancelReconnect: () => {},
  };
  const meet = (tag: string): boolean => askAt(server, tag, limits.signalPingMs);
  const stopPings = every(
    deps.clock,
    () => limits.signalPingMs,
    () => meetInTurn(server, limits.signalPingMs),
  );
  return {
    url,
    state: () => server.state,
    joined: () => server.joined,
    hold: (tag, listener) => hold(server, tag, listener),
    send: (to, tag, bytes) => {
      const id = textToBytes(to);
      return id !== null && (server.socket?.send({ type: 'send', to: id, tag: tagBytes(tag), bytes }) ?? false);
    },
    meet,
    tryMeeting: (tag) => tryMeeting(server, tag),
    socket: () => (server.joined === null ? null : server.socket),
    onNews: (listener) => {
      server.newsListeners.add(listener);
      return () => void server.newsListeners.delete(listener);
    },
    probe: () => {
      if (server.state.state === 'open') {
        meetInTurn(server, limits.signalProbeMs);
        return;
      }
      server.failures = 0;
      reconnect(server);
    },
    onState: (listener) => {
      server.stateListeners.add(listener);
      return () => void server.stateListeners.delete(listener);
    },
    stop: () => {
      server.hasStopped = true;
      stopPings();
      server.tags.clear();
      reconnect(server);
    },
  };
};

type Server = MeshServerDeps & {
  readonly tags: MeshTags;
  readonly stateListeners: Set<() => void>;
  readonly newsListeners: Set<(news: MeshNews | 'joined' | 'lost') => void>;
  socket: MeshSocket | null;
  joined: Joined | null;
  state: SignallingState;
  /** Connections in a row that did not last. */
  failures: number;
  joinedAt: number;
  hasStopped: boolean;
  cancelReconnect(): void;
};

const hold = (server: Server, tag: string, listener: TagListener): (() => void) => {
  if (server.hasStopped) return () => {};
  const bytes = tagBytes(tag);
  const name = bytesToText(bytes);
  const mustAsk = server.tags.add(name, listener);
  if (server.socket === null && server.state.state === 'off') reconnect(server);
  else if (mustAsk) askAt(server, tag, limits.signalPingMs);
  return () => {
    if (!server.tags.remove(name, listener)) return;
    server.socket?.send({ type: 'part', tag: bytes });
    if (server.tags.count() === 0) reconnect(server);
  };
};

const askAt = ({ socket }: Server, tag: string, withinMs: number): boolean => {
  if (socket?.send({ type: 'meet', tag: tagBytes(tag) }) !== true) return false;
  socket.expectAnswer(withinMs);
  return true;
};

/** Every tag's sample is renewed in its turn, and the connection shows that it stands. */
const meetInTurn = (server: Server, withinMs: number): void => {
  const name = server.tags.takeTurn();
  if (name !== null) askAt(server, name, withinMs);
};

const tryMeeting = (server: Server, tag: string): Promise<number | null> => {
  const askedAt = server.clock.now();
  return new Promise((resolve) => {
    const done = (ms: number | null): void => {
      cancel();
      release();
      resolve(ms);
    };
    const cancel = server.clock.after(limits.signalProbeMs, () => done(null));
    const release = hold(server, tag, {
      from: () => {},
      met: () => done(server.clock.now() - askedAt),
      undelivered: () => {},
    });
  });
};

/** Drops the present connection and makes another, if there is a reason to have one. */
const reconnect = (server: Server): void => {
  server.cancelReconnect();
  server.socket?.close();
  forget(server);
  if (server.state.url === '' || server.tags.count() === 0 || server.hasStopped) return setState(server, 'off');
  // "Lost since" stays true while it is being tried again.
  if (server.state.state !== 'lost') setState(server, 'connecting');
  server.socket = openMeshSocket({
    clock: server.clock,
    Socket: server.Socket,
    url: toMeshUrl(server.state.url),
    pseudonym: server.pseudonym,
    joined: (answer) => joined(server, answer),
    answered: (answer) => answered(server, answer),
    refused: server.refused,
    lost: () => lost(server),
  });
};

/** An address is kept as it was given; what was given for y-webrtc's verbs, or without a path, names the same server. */
const toMeshUrl = (url: string): string => url.replace(/^(wss?:\/\/[^/?#]+)(?:\/|\/signal\/?)?$/, '$1/mesh');

const joined = (server: Server, answer: Joined): void => {
  server.joined = answer;
  server.joinedAt = server.clock.now();
  server.tags.beginAnew();
  for (const name of server.tags.names()) askAt(server, name, limits.signalPingMs);
  // Credentials for its TURN servers end by themselves; a new connection brings new ones.
  if (answer.iceServers.length > 0)
    server.cancelReconnect = server.clock.after((limits.turnCredentialS * 1000) / 2, () => reconnect(server));
  setState(server, 'open');
  for (const listener of [...server.newsListeners]) listener('joined');
};

const answered = (server: Server, answer: MeshNews): void => {
  if (answer.type === 'from' || answer.type === 'met' || answer.type === 'gone' || answer.type === 'busy') {
    if (!server.tags.tell(answer) && answer.type === 'from') server.refused('tag-not-held');
  } else if (answer.type === 'moving') {
    // A crowd that is told to go must not come back at once.
    server.socket?.close();
    lostFor(server, randomInt(server.random, limits.meshMovePauseMs));
  } else if (answer.type === 'refused' && answer.request === 0) {
    server.refused(`server: ${answer.reason}`);
    if (answer.code === 'rate_limited') server.tags.tellAllBusy();
  } else for (const listener of [...server.newsListeners]) listener(answer);
};

const lost = (server: Server): void => {
  if (server.joined !== null && server.clock.now() - server.joinedAt >= limits.signalPingMs) server.failures = 0;
  const baseMs = Math.min(
    limits.signalReconnectMaxMs / 2,
    limits.signalReconnectMinMs * 2 ** Math.min(server.failures, 16),
  );
  server.failures += 1;
  lostFor(server, baseMs + randomInt(server.random, baseMs));
};

const lostFor = (server: Server, pauseMs: number): void => {
  server.cancelReconnect();
  forget(server);
  setState(server, 'lost');
  server.cancelReconnect = server.clock.after(pauseMs, () => reconnect(server));
};

const forget = (server: Server): void => {
  server.socket = null;
  if (server.joined === null) return;
  server.joined = null;
  for (const listener of [...server.newsListeners]) listener('lost');
};

const setState = (server: Server, state: SignallingState['state']): void => {
  if (server.state.state === state) return;
  server.state = { url: server.state.url, state, since: server.clock.now() };
  for (const listener of [...server.stateListeners]) listener();
};
