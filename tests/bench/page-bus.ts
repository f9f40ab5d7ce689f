import { expose, wrap } from 'comlink';
import { instance, object, string } from 'valibot';
import {
  communityAdmit,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from '../../src/lib/contracts/community.ts';
import { define } from '../../src/lib/contracts/define.ts';
import { count } from '../../src/lib/contracts/fields.ts';
import { contractsByName } from '../../src/lib/contracts/index.ts';
import { meshPing } from '../../src/lib/contracts/mesh.ts';
import type { AnyCapability } from '../../src/lib/kernel/bus/call.ts';
import { bytesToText } from '../../src/lib/kernel/ids.ts';
import { ok } from '../../src/lib/kernel/result.ts';
import { platformClock as clock, platformRandom as random } from '../../src/lib/node/platform.ts';
import { createWindowClient } from '../../src/lib/node/window-client.ts';
import { toWindowPort } from '../../src/lib/node/window-port.ts';
import { serveWindows } from '../../src/lib/node/window-server.ts';
import { openBenchNode, type BenchNode } from './bench-node.ts';
import { timeAuthorize } from './page-authorize.ts';

/** So many items of a hundred bytes, as quickly as their reader gives credit. */
const benchStream = define({
  name: 'bench.stream',
  input: object({ items: count }),
  output: object({ items: count }),
  item: object({ at: count, text: string(), bytes: instance(Uint8Array) }),
  policy: 'member',
  routable: true,
  timeoutMs: 60_000,
});

/** A page for `bench bus`: a whole node, a window onto it, and a bare comlink object beside it. */
const start = async (signalUrl: string) => {
  (contractsByName as Map<string, AnyCapability>).set(benchStream.name, benchStream as unknown as AnyCapability);
  const node = await openBenchNode(signalUrl);
  node.bus.register(benchStream, async function* ({ items }) {
    for (let at = 0; at < items; at++) yield { at, text: 'an item', bytes: new Uint8Array(64) };
    return ok({ items });
  });
  return { ...street(node), ...calls(node), timeAuthorize };
};
export type BusPage = Awaited<ReturnType<typeof start>>;
Object.assign(globalThis, { startBus: start });

const street = ({ bus }: BenchNode) => ({
  found: async (): Promise<boolean> => (await bus.call(communityFound, { name: 'Anna', communityName: 'Bench' })).ok,
  invite: async (): Promise<string> => {
    const invited = await bus.call(communityInvite, { onPaper: false });
    if (!invited.ok) throw new Error(invited.error.reason);
    return invited.value.output.code;
  },
  join: async (invite: string): Promise<boolean> => (await bus.call(communityJoin, { name: 'Bora', invite })).ok,
  admitNext: async (): Promise<boolean> => {
    for await (const { waiting } of bus.stream(communityMembers, {})) {
      const [door] = waiting;
      if (door) return (await bus.call(communityAdmit, { request: door.request, accept: true })).ok;
    }
    return false;
  },
});

const calls = (node: BenchNode) => {
  const { bus } = node;
  const screen = openWindow(node);
  const comlink = openComlink();
  const neighbour = (): string => node.links.all()[0]?.peer.device ?? '';
  const ping = async (call: () => ReturnType<typeof bus.call<{ nonce: number }, { nonce: number }, never, never>>) => {
    const reply = await call();
    if (!reply.ok) throw new Error(reply.error.reason);
  };
  return {
    offersStream: (): boolean => bus.registry.remoteOffers(neighbour()).some(({ name }) => name === benchStream.name),
    /** Microseconds a call, each the mean of a short burst one after the other, all three ways in turn. */
    timeLocal: async (rounds: number) => {
      const samples = { inNode: [] as number[], screen: [] as number[], comlink: [] as number[] };
      for (let round = 0; round < rounds; round++) {
        samples.inNode.push(await burst(() => ping(() => bus.call(meshPing, { nonce: 1 }, { localOnly: true }))));
        samples.screen.push(await burst(() => ping(() => screen.call(meshPing, { nonce: 1 }, { localOnly: true }))));
        samples.comlink.push(await burst(async () => void (await comlink.ping({ nonce: 1 }))));
      }
      return samples;
    },
    /** Milliseconds of each call to the one linked neighbour. `pauseMs` between them: a neighbour counts our calls of a minute. */
    timeRemote: async (most: number, pauseMs: number): Promise<number[]> => {
      const samples: number[] = [];
      for (let at = 0; at < most; at++) {
        const before = performance.now();
        await ping(() => bus.call(meshPing, { nonce: at }, { device: neighbour() }));
        samples.push(performance.now() - before);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
      return samples;
    },
    /** Items a second from the neighbour, read one after the other. */
    timeStream: async (items: number): Promise<number> => {
      const stream = bus.stream(benchStream, { items }, { device: neighbour() });
      const before = performance.now();
      let got = 0;
      let step = await stream.next();
      for (; !step.done; step = await stream.next()) if (step.value.at === got) got += 1;
      if (!step.value.ok || got !== items)
        throw new Error(step.value.ok ? 'items are missing' : step.value.error.reason);
      return items / ((performance.now() - before) / 1000);
    },
  };
};

const callsInBurst = 50;

const burst = async (call: () => Promise<void>): Promise<number> => {
  const before = performance.now();
  for (let at = 0; at < callsInBurst; at++) await call();
  return ((performance.now() - before) * 1000) / callsInBurst;
};

/** The way a screen's call goes: over a message port to the node, through the bus and back. */
const openWindow = ({ bus }: BenchNode) => {
  const { port1, port2 } = new MessageChannel();
  const server = serveWindows({
    bus,
    contractsByName,
    clock,
    node: bytesToText(random.bytes(9)),
    term: 1,
    build: 'bench',
  });
  server.add(toWindowPort(port1));
  const client = createWindowClient({ clock, window: bytesToText(random.bytes(9)), build: 'bench' });
  client.use(toWindowPort(port2));
  return client;
};

/** The peer: comlink over a port of the same kind, without gates, schemas, routing or trace. */
const openComlink = () => {
  const { port1, port2 } = new MessageChannel();
  expose({ ping: ({ nonce }: { nonce: number }) => ({ nonce }) }, port1);
  return wrap<{ ping(input: { nonce: number }): { nonce: number } }>(port2);
};
