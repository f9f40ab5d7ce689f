import { devicesAdopt } from '../contracts/devices.ts';
import { bytesToText } from '../kernel/ids.ts';
import { createStops, type Startable } from '../kernel/lifecycle.ts';
import { limits } from '../kernel/limits.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Links } from '../kernel/ports/links.ts';
import type { Random } from '../kernel/ports/random.ts';
import type { AnyCapability } from '../kernel/bus/call.ts';
import type { RemoteCaller } from '../kernel/bus/routed-call.ts';
import type { Device } from './device.ts';
import type { Retirement } from './identity-retire.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';

/**
 * The way back in for a device that gave up its old key: it meets the others by the community key it kept, and asks each
 * neighbour it reaches to write its new device, until the fold says that it is in. No tap is needed: the person is known.
 */
export const createReturn = (deps: {
  readonly clock: Clock;
  readonly random: Random;
  readonly retirement: Retirement;
  readonly device: () => Device;
  readonly holder: NeighbourhoodHolder;
  readonly links: Links;
  readonly remote: RemoteCaller;
  readonly onRefused: (reason: string) => void;
}): Startable & { key(): Bytes | null; isUnderWay(): boolean } => {
  const { clock, retirement, holder, links } = deps;
  const stops = createStops();
  const asking = new Set<string>();
  let key: Bytes | null = null;

  const farewell = () => retirement.current()?.farewell ?? null;
  const isIn = (): boolean => holder.current()?.membership().roleOf(deps.device().device) != null;

  const ask = async (neighbour: string): Promise<void> => {
    const said = farewell();
    if (!said || isIn() || asking.has(neighbour)) return;
    asking.add(neighbour);
    const { certificate } = deps.device();
    const request = {
      capability: devicesAdopt as unknown as AnyCapability,
      input: { certificate: certificate.bytes, statement: said.statement, signature: said.signature },
      params: {},
      deadlineMs: limits.callTimeoutMs,
      tokens: [],
      trace: bytesToText(deps.random.bytes(12)),
      clientId: bytesToText(deps.random.bytes(12)),
    };
    const control = new AbortController();
    const cancel = clock.after(limits.callTimeoutMs, () => control.abort());
    const items = deps.remote.stream(neighbour, request, control.signal);
    let step = await items.next();
    while (!step.done) step = await items.next();
    cancel();
    asking.delete(neighbour);
    if (!step.value.ok) deps.onRefused(`adopt-${step.value.error.reason}`);
  };

  const askAll = (): void => {
    for (const { peer } of links.all()) void ask(peer.device);
  };

  return {
    key: () => (isIn() ? null : key),
    isUnderWay: () => farewell() !== null && !isIn(),
    start: async () => {
      if (!farewell()) return;
      key = await retirement.openKey();
      stops.add(links.onUp(({ peer }) => void ask(peer.device)));
      stops.add(every(clock, () => limits.adoptionRetryMs, askAll));
      stops.add(
        holder.onChange(() => {
          if (isIn()) void retirement.noteBack();
        }),
      );
    },
    stop: stops.run,
  };
};
