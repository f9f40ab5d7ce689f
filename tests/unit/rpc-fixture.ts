import { number, object } from 'valibot';
import { seededRandom } from '../support/test-neighbours.ts';
import { decodeCbor, encodeCbor, type Cbor } from '../../src/lib/kernel/codec.ts';
import { encodeRpc, parseRpc, type CallFrame, type RpcFrame } from '../../src/lib/mesh/rpc-frames.ts';
import { createRpc } from '../../src/lib/mesh/rpc.ts';
import type { AnyCapability } from '../../src/lib/kernel/bus/call.ts';
import type { Capability, Role } from '../../src/lib/kernel/bus/capability.ts';
import { createBus } from '../../src/lib/kernel/bus/bus.ts';
import type { Offer } from '../../src/lib/kernel/bus/registry.ts';
import type { JudgeToken } from '../../src/lib/kernel/bus/token-view.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { asAny, echo, offerOf } from './bus-fixture.ts';
import { createFakeLink, createFakeLinks, type FakeLink } from './link-fixture.ts';

/** A device with a bus and its rpc on links the test holds the other ends of. */
export const createRpcHouse = (
  name: string,
  capabilities: readonly unknown[],
  roles: Readonly<Record<string, Role>> = {},
  judgeToken?: JudgeToken,
) => {
  const clock = createVirtualClock();
  const links = createFakeLinks();
  const refused: string[] = [];
  const presences: Uint8Array[] = [];
  const contractsByName = new Map<string, AnyCapability>(capabilities.map((each) => [asAny(each).name, asAny(each)]));
  const rpc = createRpc({
    clock,
    links,
    contractsByName,
    serve: (...request) => bus.serve(...request),
    onPresence: (presence) => void presences.push(presence),
    onRefused: (reason) => void refused.push(reason),
  });
  const views = { roleOf: (device: string) => roles[device] ?? null, judgeToken };
  const bus = createBus({ clock, random: seededRandom(name), self: () => name, views, remote: rpc });
  void rpc.start();
  return {
    bus,
    rpc,
    clock,
    links,
    refused,
    presences,
    linkTo: (device: string): FakeLink => {
      const link = createFakeLink(device);
      links.up(link);
      return link;
    },
  };
};

export const framesOf = (link: FakeLink): RpcFrame[] =>
  link.sent
    .splice(0)
    .filter(({ channel }) => channel === 'rpc')
    .map(({ frame }) => unwrap(parseRpc(frame)));
export const say = (link: FakeLink, frame: RpcFrame): void => link.hear('rpc', encodeRpc(frame));
/** A call as somebody else sends it; its input may be anything, also what no schema takes. */
export const callFrame = (
  id: number,
  { input = { text: 'hello' }, ...over }: Partial<Omit<CallFrame, 'input'>> & { readonly input?: Cbor } = {},
): CallFrame => ({
  t: 'call',
  id,
  cap: 'test.echo@1.2',
  input: encodeCbor(input),
  params: {},
  deadlineMs: 0,
  trace: 'trace of the caller',
  clientId: `call ${id}`,
  ...over,
});
export const itemFrame = (id: number, value: Cbor): RpcFrame => ({ t: 'item', id, value: encodeCbor(value) });
/** An item of the caller's stream. */
export const upFrame = (id: number, value: Cbor): RpcFrame => ({ t: 'item', id, value: encodeCbor(value), up: true });
export const doneFrame = (id: number, value: Cbor): RpcFrame => ({ t: 'done', id, value: encodeCbor(value) });
/** What was sent, in short: the type, and the value or failure where there is one. */
export const said = (frame: RpcFrame): unknown[] =>
  frame.t === 'item' || frame.t === 'done'
    ? [frame.t, frame.id, unwrap(decodeCbor(frame.value))]
    : frame.t === 'error'
      ? [frame.t, frame.id, frame.failure.code, frame.failure.reason]
      : frame.t === 'credit'
        ? [frame.t, frame.id, frame.n]
        : frame.t === 'presence'
          ? [frame.t]
          : [frame.t, frame.id];
export type TestCapability = Capability<{ text: string }, { text: string }, { text: string }>;

/** Takes a stream from its caller. */
export const gather = (over: Partial<Gather> = {}): Gather => ({
  ...echo({ timeoutMs: 0, maxConcurrent: 1_000 }),
  name: 'test.gather',
  inputItem: object({ n: number() }),
  ...over,
});
export const gatherOffer = (): Offer => ({ ...offerOf(echo()), name: 'test.gather' });
export type Gather = Capability<{ text: string }, { text: string }, { text: string }, { n: number }>;
export const gatherFrame = (id: number, over: Parameters<typeof callFrame>[1] = {}): CallFrame =>
  callFrame(id, { cap: 'test.gather@1.2', streams: true, ...over });
