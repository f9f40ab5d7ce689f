import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { WebrtcProvider } from 'y-webrtc';
import * as Y from 'yjs';
import { createMemoryRtc } from './memory-rtc.ts';
import { rounded, waitUntil } from './samples.ts';

const limitMs = 60_000;
/** Over memory the answer to a joiner takes no time; what has not come by then was thrown away. */
const lateLimitMs = 20_000;
const peers = 20;

/** Stock y-webrtc 10.3 in this process, its data channels in memory. The same totals; null where nothing came within the time. */
export const measureStockNodes = async () => {
  const sync10kMs = await liveSync(10_000, 100);
  const [late300kBMs, lateJoin10kMs] = await Promise.all([lateJoin(80, 3_900), lateJoin(10_000, 100)]);
  const street = await measureStockStreet();
  return { late300kBOk: late300kBMs !== null, late300kBMs, lateJoin10kMs, sync10kMs, ...street };
};

/** From the joiner's provider to the moment it has every item. */
const lateJoin = async (count: number, bytes: number): Promise<number | null> => {
  const room = await openRoom();
  const anna = await room.join();
  push(anna, count, bytes);
  const start = performance.now();
  const bora = await room.join();
  const came = await waitUntil(() => lengthOf(bora) === count, lateLimitMs);
  const ms = came === null ? null : rounded(performance.now() - start);
  await room.close();
  return ms;
};

const liveSync = async (count: number, bytes: number): Promise<number | null> => {
  const room = await openRoom();
  const anna = await room.join();
  const bora = await room.join();
  const start = performance.now();
  push(anna, count, bytes);
  const came = await waitUntil(() => lengthOf(bora) === count, limitMs);
  const ms = came === null ? null : rounded(performance.now() - start);
  await room.close();
  return ms;
};

/** Everybody linked with everybody; then a minute in which nobody does anything, then one push. */
const measureStockStreet = async () => {
  const room = await openRoom();
  const providers: WebrtcProvider[] = [];
  for (let at = 0; at < peers; at++) providers.push(await room.join());
  await waitUntil(() => false, 5_000, 100);
  const idle = room.counted();
  await waitUntil(() => false, 60_000, 500);
  const { sends, bytes } = since(idle, room.counted());
  const before = room.counted();
  const [anna] = providers;
  if (anna) push(anna, 1, 100);
  await waitUntil(() => providers.every((each) => lengthOf(each) === 1), limitMs);
  await waitUntil(() => false, 3_000, 100);
  const spoken = since(before, room.counted());
  await room.close();
  return {
    sendsPerReceiver20: rounded(spoken.syncSends / (peers - 1), 2),
    idleBytesPerMin: Math.round(bytes / peers),
    idleSendsPerMin: rounded(sends / peers),
  };
};

type Counted = { readonly sends: number; readonly syncSends: number; readonly bytes: number };
const since = (before: Counted, now: Counted): Counted => ({
  sends: now.sends - before.sends,
  syncSends: now.syncSends - before.syncSends,
  bytes: now.bytes - before.bytes,
});

/** One item a transaction, as events come. */
const push = ({ doc }: WebrtcProvider, count: number, bytes: number): void => {
  const list = doc.getArray<Uint8Array>('log');
  for (let at = 0; at < count; at++) list.push([crypto.getRandomValues(new Uint8Array(bytes))]);
};

const lengthOf = ({ doc }: WebrtcProvider): number => doc.getArray('log').length;
const linksOf = ({ room }: WebrtcProvider): number =>
  [...(room?.webrtcConns.values() ?? [])].filter(({ connected }) => connected).length;

/**
 * A meeting of stock peers in one process. y-webrtc keeps one room a name, so each peer's room has its own name and the
 * exchange here, which stands for a signalling server, treats all of them as one.
 */
const openRoom = async () => {
  let counted: Counted = { sends: 0, syncSends: 0, bytes: 0 };
  const wrtc = createMemoryRtc((message) => {
    const isSync = message[0] === 0;
    counted = {
      sends: counted.sends + 1,
      syncSends: counted.syncSends + (isSync ? 1 : 0),
      bytes: counted.bytes + message.length,
    };
  });
  const exchange = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(exchange, 'listening');
  const { port } = exchange.address() as AddressInfo;
  const topics = new Set<string>();
  // Every stock room of a process speaks over every socket of it; another meeting's is not for here.
  const isHere = (topic: string): boolean => topic.startsWith(`${port} `);
  exchange.on('connection', (socket) => {
    socket.on('message', (text) => {
      const message = JSON.parse(String(text)) as { type: string; topic?: string; topics?: string[] };
      if (message.type === 'subscribe') for (const topic of (message.topics ?? []).filter(isHere)) topics.add(topic);
      if (message.type === 'ping') socket.send('{"type":"pong"}');
      if (message.type !== 'publish' || !isHere(message.topic ?? '')) return;
      for (const topic of topics) if (topic !== message.topic) socket.send(JSON.stringify({ ...message, topic }));
    });
  });
  const providers: WebrtcProvider[] = [];
  return {
    counted: () => counted,
    /** One after the other: two who announce themselves in the same moment both offer, and such a pair of stock peers never opens. */
    join: async (): Promise<WebrtcProvider> => {
      const name = `${port} ${providers.length}`;
      const signaling = [`ws://127.0.0.1:${port}`];
      const provider = new WebrtcProvider(name, new Y.Doc(), {
        signaling,
        maxConns: 40,
        filterBcConns: false,
        peerOpts: { wrtc },
      });
      providers.push(provider);
      const isIn = (): boolean => topics.has(name) && providers.every((each) => linksOf(each) === providers.length - 1);
      if ((await waitUntil(isIn, limitMs)) === null)
        throw new Error(`stock peer ${providers.length} never met the others`);
      return provider;
    },
    close: async (): Promise<void> => {
      for (const provider of providers) provider.destroy();
      for (const socket of exchange.clients) socket.terminate();
      await new Promise((resolve) => void exchange.close(resolve));
    },
  };
};
