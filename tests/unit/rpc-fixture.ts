import { encodeRpc, parseRpc, type RpcFrame } from '../../src/lib/mesh/rpc-frames.ts';
import { createRpc } from '../../src/lib/mesh/rpc.ts';
import type { AnyCapability } from '../../src/lib/kernel/call.ts';
import type { Capability, Role } from '../../src/lib/kernel/capability.ts';
import { createBus } from '../../src/lib/kernel/bus.ts';
import type { JudgeToken } from '../../src/lib/kernel/token-view.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { createVirtualClock } from '../contracts/transport-world.ts';
import { asAny } from './bus-fixture.ts';
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
  const bus = createBus({ clock, self: () => name, views, remote: rpc });
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
export const callFrame = (id: number, over: Partial<Extract<RpcFrame, { t: 'call' }>> = {}): RpcFrame => ({
  t: 'call',
  id,
  cap: 'test.echo@1.2',
  input: { text: 'hello' },
  params: {},
  ...over,
});
export type TestCapability = Capability<{ text: string }, { text: string }, { text: string }>;
