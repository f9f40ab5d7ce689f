import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import type { SocketConstructor } from '../../src/lib/transports/signal-socket.ts';
import type { Stranger } from './transport-world.ts';

export type SignalHub = {
  readonly Socket: SocketConstructor;
  readonly stranger: Stranger;
  /** Sockets made so far, and those open now. */
  made(): number;
  open(): number;
  /** Nobody gets in and everybody is thrown out. */
  setDown(isDown: boolean): void;
  /** Sockets stay open and nothing comes back: a half-open connection. */
  setSilent(isSilent: boolean): void;
  /** Sends this text to everybody who is connected. */
  shout(text: unknown): void;
};

type Client = { readonly topics: Set<string>; readonly emit: (type: string, event: object) => void; isOpen: boolean };
type Frame = { type?: unknown; topics?: unknown; topic?: unknown; data?: unknown };

/** A signalling server in memory, for y-webrtc's verbs: who publishes hears himself too, as with the real one. */
export const createSignalHub = (clock: Clock): SignalHub => {
  const clients = new Set<Client>();
  const published: { topic: string; data: string }[] = [];
  let made = 0;
  let isDown = false;
  let isSilent = false;

  const say = (client: Client, text: unknown): void => {
    clock.after(1, () => {
      if (client.isOpen && !isSilent) client.emit('message', { data: text });
    });
  };
  const publish = (topic: string, data: string): void => {
    published.push({ topic, data });
    const hearers = [...clients].filter((client) => client.topics.has(topic));
    for (const client of hearers)
      say(client, JSON.stringify({ type: 'publish', topic, data, clients: hearers.length }));
  };
  const receive = (client: Client, text: string): void => {
    const frame: Frame = JSON.parse(text);
    if (frame.type === 'ping') say(client, '{"type":"pong"}');
    if (frame.type === 'publish') publish(String(frame.topic), String(frame.data));
    const topics = Array.isArray(frame.topics) ? frame.topics.map(String) : [];
    if (frame.type === 'subscribe') for (const topic of topics) client.topics.add(topic);
    if (frame.type === 'unsubscribe') for (const topic of topics) client.topics.delete(topic);
  };
  const end = (client: Client): void => {
    clients.delete(client);
    client.isOpen = false;
    clock.after(1, () => client.emit('close', {}));
  };

  const Socket = class {
    readonly bufferedAmount = 0;
    readonly #listeners: { type: string; listener: (event: object) => void }[] = [];
    readonly #client: Client;
    constructor(url: string) {
      if (!url.startsWith('ws')) throw new SyntaxError(`not a socket address: ${url}`);
      made += 1;
      const emit = (type: string, event: object): void => {
        for (const entry of [...this.#listeners]) if (entry.type === type) entry.listener(event);
      };
      this.#client = { topics: new Set(), emit, isOpen: false };
      clock.after(1, () => {
        if (isDown) return end(this.#client);
        this.#client.isOpen = true;
        clients.add(this.#client);
        emit('open', {});
      });
    }
    addEventListener(type: string, listener: (event: object) => void): void {
      this.#listeners.push({ type, listener });
    }
    send(text: string): void {
      clock.after(1, () => receive(this.#client, text));
    }
    close(): void {
      clock.after(2, () => end(this.#client));
    }
  };
  return {
    Socket,
    stranger: { publish, heard: (topic) => published.filter((entry) => entry.topic === topic).map(({ data }) => data) },
    made: () => made,
    open: () => clients.size,
    setDown: (down) => {
      isDown = down;
      if (down) for (const client of clients) end(client);
    },
    setSilent: (silent) => {
      isSilent = silent;
    },
    shout: (text) => {
      for (const client of clients) say(client, text);
    },
  };
};
