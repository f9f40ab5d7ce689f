import { bytesToText, textToBytes, utf8 } from '../../src/lib/kernel/ids.ts';
import type { Clock } from '../../src/lib/kernel/ports/clock.ts';
import type { SigningKey } from '../../src/lib/kernel/ports/crypto.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import {
  encodeMeshAnswer,
  parseMeshRequest,
  type MeshAnswer,
  type MeshIceServer,
  type MeshRequest,
} from '../../src/lib/kernel/wire/mesh-wire.ts';
import { tagBytes } from '../../src/lib/transports/mesh-tags.ts';
import type { SocketConstructor } from '../../src/lib/transports/mesh-socket.ts';
import type { Stranger } from './transport-world.ts';

/** What becomes of bytes one device sends another: passed on as they are, refused as `busy`, lost, or these in their place. */
export type Tap = (
  bytes: Uint8Array<ArrayBuffer>,
  tag: string,
) => 'pass' | 'busy' | 'lose' | readonly Uint8Array<ArrayBuffer>[];

export type MeshHub = {
  readonly Socket: SocketConstructor;
  readonly stranger: Stranger;
  /** Sockets made so far, and devices that have joined and are there. */
  made(): number;
  open(): number;
  /** Requests of one type that came so far. */
  asked(type: MeshRequest['type']): number;
  /** Nobody gets in and everybody is thrown out. */
  setDown(isDown: boolean): void;
  /** Sockets stay open and nothing comes back: a half-open connection. */
  setSilent(isSilent: boolean): void;
  setTap(tap: Tap): void;
  setIceServers(servers: readonly MeshIceServer[]): void;
  /** Whether it says that it keeps mail, to those who join from now on, and what it answers about boxes: null nothing. */
  setMail(keepsMail: boolean, answer: (request: BoxRequest) => MeshAnswer | null): void;
  /** Everything that was sent at any tag. */
  passed(): readonly Uint8Array<ArrayBuffer>[];
  /** Sends this to everybody who has joined. */
  shout(data: unknown): void;
  tell(answer: MeshAnswer): void;
};

export type BoxRequest = Extract<MeshRequest, { type: 'open' | 'put' | 'take' }>;

type Client = {
  readonly tags: Set<string>;
  readonly emit: (type: string, event: object) => void;
  id: string;
  isOpen: boolean;
};

/** A mesh server in memory that checks no signature: the same frames as the real one, and a fault wherever a test wants one. */
export const createMeshHub = (clock: Clock, name = 1): MeshHub => {
  const clients = new Set<Client>();
  const published: { tag: string; bytes: Uint8Array<ArrayBuffer> }[] = [];
  const counts = new Map<string, number>();
  const strangerId = new Uint8Array(16).fill(255);
  let made = 0;
  let isDown = false;
  let isSilent = false;
  let tap: Tap = () => 'pass';
  let iceServers: readonly MeshIceServer[] = [];
  let mail: { keepsMail: boolean; answer: (request: BoxRequest) => MeshAnswer | null } = {
    keepsMail: true,
    answer: () => null,
  };

  const emitTo = (client: Client, data: unknown): void => {
    clock.after(1, () => {
      if (client.isOpen && !isSilent) client.emit('message', { data });
    });
  };
  const say = (client: Client, answer: MeshAnswer): void => emitTo(client, encodeMeshAnswer(answer).buffer);
  const at = (tag: string): Client[] => [...clients].filter((client) => client.tags.has(tag));
  const idOf = (client: Client): Uint8Array<ArrayBuffer> => textToBytes(client.id) ?? new Uint8Array(16);

  const send = (client: Client, { to, tag, bytes }: Extract<MeshRequest, { type: 'send' }>): void => {
    published.push({ tag: bytesToText(tag), bytes });
    const other = at(bytesToText(tag)).find(({ id }) => id === bytesToText(to));
    if (other === undefined) return say(client, { type: 'gone', to, tag });
    const fate = tap(bytes, bytesToText(tag));
    if (fate === 'busy') return say(client, { type: 'busy', to, tag });
    if (fate === 'lose') return;
    for (const each of fate === 'pass' ? [bytes] : fate)
      say(other, { type: 'from', from: idOf(client), tag, bytes: each });
  };
  const receive = (client: Client, frame: Uint8Array): void => {
    const request = unwrap(parseMeshRequest(frame));
    counts.set(request.type, (counts.get(request.type) ?? 0) + 1);
    if (request.type === 'join') {
      client.id = bytesToText(request.key.subarray(0, 16));
      const features = { mailbox: mail.keepsMail, cluster: 'alone' } as const;
      say(client, { type: 'joined', id: idOf(client), clockMs: clock.now(), iceServers, features });
    } else if (request.type === 'meet') {
      const tag = bytesToText(request.tag);
      client.tags.add(tag);
      const near = at(tag).filter((other) => other !== client);
      say(client, { type: 'met', tag: request.tag, near: near.slice(-16).map(idOf), away: 0 });
    } else if (request.type === 'part') client.tags.delete(bytesToText(request.tag));
    else if (request.type === 'send') send(client, request);
    else {
      const answer = mail.answer(request);
      if (answer !== null) say(client, answer);
    }
  };
  const end = (client: Client): void => {
    clients.delete(client);
    client.isOpen = false;
    clock.after(1, () => client.emit('close', {}));
  };

  const Socket = class {
    readonly bufferedAmount = 0;
    binaryType = 'blob';
    readonly #listeners: { type: string; listener: (event: object) => void }[] = [];
    readonly #client: Client;
    constructor(url: string) {
      if (!url.startsWith('ws')) throw new SyntaxError(`not a socket address: ${url}`);
      made += 1;
      const emit = (type: string, event: object): void => {
        for (const entry of [...this.#listeners]) if (entry.type === type) entry.listener(event);
      };
      this.#client = { tags: new Set(), emit, id: '', isOpen: false };
      clock.after(1, () => {
        if (isDown) return end(this.#client);
        this.#client.isOpen = true;
        clients.add(this.#client);
        emit('open', {});
        say(this.#client, { type: 'challenge', nonce: new Uint8Array(32).fill(name) });
      });
    }
    addEventListener(type: string, listener: (event: object) => void): void {
      this.#listeners.push({ type, listener });
    }
    send(frame: Uint8Array<ArrayBuffer>): void {
      const copy = frame.slice();
      clock.after(1, () => (this.#client.isOpen ? receive(this.#client, copy) : undefined));
    }
    close(): void {
      clock.after(2, () => end(this.#client));
    }
  };
  const textOf = (bytes: Uint8Array): string => bytesToText(bytes.subarray(1));
  return {
    Socket,
    stranger: {
      publish: (topic, data) => {
        const bytes = Uint8Array.from([0, ...(textToBytes(data) ?? utf8(data))]);
        const tag = tagBytes(topic);
        published.push({ tag: bytesToText(tag), bytes });
        for (const client of at(bytesToText(tag))) say(client, { type: 'from', from: strangerId, tag, bytes });
      },
      heard: (topic) => {
        const tag = bytesToText(tagBytes(topic));
        const words = published.filter((entry) => entry.tag === tag && entry.bytes[0] === 0);
        return [...new Set(words.map(({ bytes }) => textOf(bytes)))];
      },
    },
    made: () => made,
    open: () => [...clients].filter(({ id }) => id !== '').length,
    asked: (type) => counts.get(type) ?? 0,
    setDown: (down) => {
      isDown = down;
      if (down) for (const client of clients) end(client);
    },
    setSilent: (silent) => {
      isSilent = silent;
    },
    setTap: (given) => {
      tap = given;
    },
    setIceServers: (given) => {
      iceServers = given;
    },
    setMail: (keepsMail, answer) => {
      mail = { keepsMail, answer };
    },
    passed: () => published.map(({ bytes }) => bytes),
    shout: (data) => {
      for (const client of clients) emitTo(client, data);
    },
    tell: (answer) => {
      for (const client of clients) say(client, answer);
    },
  };
};

/** Sockets that reach the hub that belongs to their address. */
export const socketsTo = (pick: (url: string) => MeshHub): SocketConstructor =>
  new Proxy(pick('').Socket, { construct: (_, [url]) => new (pick(String(url)).Socket)(String(url)) });

/** A key by which a hub tells devices apart; its signatures are none. */
export const createHubKey = (publicKey: Uint8Array<ArrayBuffer>): (() => Promise<SigningKey>) => {
  const key: SigningKey = { publicKey, sign: async () => new Uint8Array(64) };
  return async () => key;
};
