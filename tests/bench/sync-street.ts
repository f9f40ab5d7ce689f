import type { Carrier, Channel, Transport } from '../../src/lib/kernel/ports/transport.ts';
import { limits } from '../../src/lib/kernel/limits.ts';
import type { HearthNode } from '../../src/lib/node/create-node.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { createTestNode, seededRandom } from '../support/test-neighbours.ts';
import { createVirtualClock, settle } from '../support/virtual-clock.ts';
import { rounded } from './samples.ts';
import { found, isSameLog, knock, logOf } from './sync-nodes.ts';

const peers = 20;
const startMs = Date.UTC(2026, 5, 15, 14);

/**
 * 20 whole nodes, linked as the overlay links them, on a virtual clock: nothing here depends on the machine's speed.
 * `sendsPerReceiver20` counts every message on the sync channels and every word of the overlay about trees in the 10 s after one
 * event, what tells of it and what confirms it included; `sendsByKind20` says which. What rides with a sign of life is no message of
 * its own and no byte of it is hidden: `bytesPerReceiver20` has them, as all channels sent them over a minute without the event. `idleBytesPerMin` is what one node sends in a minute in which nobody does
 * anything, all channels, link pings included.
 */
export const measureStreet = async () => {
  const street = await openStreetOfNodes();
  const idle = await street.count(60_000);
  const [anna] = street.nodes;
  if (!anna) throw new Error('the street is empty');
  const clientId = seededRandom('message').bytes(16);
  const spoken = await street.count(10_000, async () => {
    await logOf(anna).append('chat.message', { to: 'everyone', text: 'Hello everyone!', clientId });
  });
  if (!street.nodes.every((node) => isSameLog(anna, node))) throw new Error('not everybody has the event after 10 s');
  const ofSync = (tally: Tally): number =>
    sum(Object.values(kindsOf(tally, 'sync'))) + (tally.get('rpc tree word')?.sends ?? 0);
  const bytesOf = (tally: Tally): number => sum([...tally.values()].map(({ bytes }) => bytes));
  const figures = {
    sendsPerReceiver20: rounded((ofSync(spoken) - ofSync(idle) / 6) / (peers - 1), 2),
    sendsByKind20: kindsOf(spoken, 'sync'),
    eventSendsPerReceiver20: rounded(
      sum(['push', 'update', 'payload'].map((kind) => spoken.get(`sync ${kind}`)?.sends ?? 0)) / (peers - 1),
      2,
    ),
    bytesPerReceiver20: Math.round((bytesOf(spoken) - bytesOf(idle) / 6) / (peers - 1)),
    idleBytesPerMin: Math.round(sum([...idle.values()].map(({ bytes }) => bytes)) / peers),
    idleSendsPerMin: rounded(sum([...idle.values()].map(({ sends }) => sends)) / peers),
    idleBytesByKind: Object.fromEntries([...idle].map(([kind, { bytes }]) => [kind, Math.round(bytes / peers)])),
    links20: street.links(),
  };
  for (const node of street.nodes) await node.stop();
  return figures;
};

/** By channel and kind of message. */
type Tally = Map<string, { sends: number; bytes: number }>;

const kindsOf = (tally: Tally, channel: Channel): Record<string, number> =>
  Object.fromEntries(
    [...tally]
      .filter(([kind]) => kind.startsWith(`${channel} `))
      .map(([kind, { sends }]) => [kind.slice(channel.length + 1), sends]),
  );

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const openStreetOfNodes = async () => {
  const clock = createVirtualClock(startMs);
  const memory = createMemoryNetwork({ clock, random: seededRandom('street') });
  let tally: Tally = new Map();
  const network: MemoryNetwork = {
    ...memory,
    transport: (name) =>
      countingTransport(memory.transport(name), (channel, message) => {
        const kind = `${channel} ${kindOf(channel, message)}`;
        const known = tally.get(kind) ?? { sends: 0, bytes: 0 };
        tally.set(kind, { sends: known.sends + 1, bytes: known.bytes + message.length });
      }),
  };
  const pass = async (ms: number): Promise<void> => {
    const until = clock.now() + ms;
    do await settle();
    while (clock.fireNext(until));
  };
  const verdicts = new Map<string, boolean>();
  const nodes: HearthNode[] = [];
  for (let at = 0; at < peers; at++) {
    const node = await createTestNode({ name: `person ${at}`, network, clock, verdicts });
    const [anna] = nodes;
    nodes.push(node);
    if (!anna) await found(node, 'Anna');
    else await (await knock(anna, node, `Person ${at}`, () => pass(50)))();
    await pass(2_000);
  }
  const isWhole = (): boolean =>
    nodes.every((node) => {
      const { length } = node.links.all();
      return length >= limits.overlayDegree - 2 && length <= limits.overlayDegreeMax;
    });
  await pass(10 * 60_000);
  if (!isWhole()) throw new Error(`after 10 minutes: ${nodes.map((node) => node.links.all().length).join()} links`);
  await warmUp(nodes, pass);
  return {
    nodes,
    links: memory.carrierCount,
    count: async (ms: number, act: () => Promise<void> = async () => {}): Promise<Tally> => {
      tally = new Map();
      await act();
      await pass(ms);
      return tally;
    },
  };
};

/** Everybody has spoken: each author's tree is what it is in a neighbourhood that has been there for a while. */
const warmUp = async (nodes: readonly HearthNode[], pass: (ms: number) => Promise<void>): Promise<void> => {
  for (const [at, node] of nodes.entries()) {
    const clientId = seededRandom(`word ${at}`).bytes(16);
    await logOf(node).append('chat.message', { to: 'everyone', text: 'A first word', clientId });
    await pass(8_000);
  }
  await pass(60_000);
};

const countingTransport = (inner: Transport, count: (channel: Channel, message: Uint8Array) => void): Transport => ({
  ...inner,
  meet: (place) =>
    inner.meet({
      ...place,
      onCarrier: (carrier, participant) => place.onCarrier(countingCarrier(carrier, count), participant),
    }),
});

const countingCarrier = (inner: Carrier, count: (channel: Channel, message: Uint8Array) => void): Carrier => ({
  ...inner,
  send: (channel, message) => {
    count(channel, message);
    return inner.send(channel, message);
  },
});

/** By the first bytes of a carrier message: the link's own tag, then the type of the frame (protocol 4 and 5). */
const kindOf = (channel: Channel, message: Uint8Array): string => {
  if (message[0] === 3 || message[0] === 4) return 'ping';
  // A word of the overlay is CBOR [number, ...]: 1 and 2 are about trees.
  if (message[0] === 5) return message[2] === 1 || message[2] === 2 ? 'tree word' : 'word';
  if (channel !== 'sync') return 'other';
  if (message[0] !== 0) return 'chunk';
  const names: Record<number, string> = {
    100: 'payload',
    101: 'want',
    102: 'heads',
    104: 'receipt',
    105: 'bye',
    107: 'push',
  };
  // y-protocols' sync has its lane (one byte here) before its step; step 0 asks, 1 and 2 bring.
  return message[1] === 0 ? (message[3] === 0 ? 'ask' : 'update') : (names[message[1] ?? -1] ?? 'other');
};
