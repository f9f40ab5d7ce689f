import type { CallOptions, Reply } from '../../src/lib/kernel/bus/call.ts';
import type { Capability } from '../../src/lib/kernel/bus/capability.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../src/lib/transports/memory.ts';
import { seededRandom } from '../support/test-neighbours.ts';
import { createVirtualClock, settle, type VirtualClock } from '../support/virtual-clock.ts';
import { createDevice, type SimDevice, type WrapCarrier } from './device.ts';
import type { Verdicts } from './sim-crypto.ts';
import { createTrace, type Trace } from './trace.ts';

export type WorldOptions = {
  readonly seed: number;
  readonly startMs: number;
  readonly verdicts: Verdicts;
  readonly keepLines: boolean;
  readonly say: (line: string) => void;
};

/** One simulated street: a clock, a network, devices, and everything that was found wrong so far. */
export type World = {
  readonly seed: number;
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly trace: Trace;
  readonly problems: string[];
  readonly devices: readonly SimDevice[];
  say(line: string): void;
  addDevice(name: string, wrapCarrier?: WrapCarrier): Promise<SimDevice>;
  /** Lets time pass until the work is done; throws when it takes longer than `withinMs`. */
  drive<T>(work: Promise<T>, withinMs: number): Promise<T>;
  pause(ms: number): Promise<void>;
  /** A call on a device's own bus; 'lost' when the device went down before it answered, or took more than a minute. */
  call<I, O, S>(
    device: SimDevice,
    capability: Capability<I, O, S>,
    input: NoInfer<I>,
    options?: CallOptions,
  ): Promise<Reply<O> | 'lost'>;
  /** The first snapshot of a live view that fits. */
  until<I, O, S>(
    device: SimDevice,
    capability: Capability<I, O, S>,
    input: NoInfer<I>,
    fits: (snapshot: S) => boolean,
  ): Promise<S>;
};

const callPatienceMs = 60_000;

export const createWorld = ({ seed, startMs, verdicts, keepLines, say }: WorldOptions): World => {
  const clock = createVirtualClock(startMs);
  const trace = createTrace(keepLines, () => clock.now() - startMs);
  const network = createMemoryNetwork({ clock, random: seededRandom(`${seed} network`) });
  const devices: SimDevice[] = [];
  const problems: string[] = [];
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

  const drive = async <T>(work: Promise<T>, withinMs: number): Promise<T> => {
    let outcome: { value: T } | { error: unknown } | null = null;
    const deadline = clock.now() + withinMs;
    work.then(
      (value) => (outcome = { value }),
      (error: unknown) => (outcome = { error }),
    );
    for (;;) {
      await settle();
      const done = outcome as { value: T } | { error: unknown } | null;
      if (done && 'error' in done) throw done.error;
      if (done) return done.value;
      if (!clock.fireNext(deadline)) throw new Error(`nothing came of it within ${withinMs / 1000} s of virtual time`);
    }
  };

  const withPatience = async <T>(device: SimDevice, work: Promise<T>, patienceMs: number): Promise<T | 'lost'> => {
    let cancel = (): void => {};
    const late = new Promise<'lost'>((resolve) => {
      cancel = clock.after(patienceMs, () => resolve('lost'));
    });
    const outcome = await Promise.race([work, late, device.gone().then(() => 'lost' as const)]);
    cancel();
    return outcome;
  };

  return {
    seed,
    clock,
    network,
    trace,
    problems,
    devices,
    say: (line) => say(`  ${((clock.now() - startMs) / 1000).toFixed(1).padStart(8)} s  ${line}`),
    addDevice: async (name, wrapCarrier) => {
      const device = await createDevice({
        seed,
        name,
        clock,
        network,
        trace,
        verdicts,
        ...(wrapCarrier ? { wrapCarrier } : {}),
      });
      devices.push(device);
      await device.start();
      return device;
    },
    drive,
    pause,
    call: async (device, capability, input, options) => {
      const node = device.node();
      return node ? withPatience(device, node.bus.call(capability, input, options), callPatienceMs) : 'lost';
    },
    until: async (device, capability, input, fits) => {
      const bus = device.node()?.bus;
      if (!bus) throw new Error(`${device.name} is down`);
      for await (const snapshot of bus.stream(capability, input)) if (fits(snapshot)) return snapshot;
      throw new Error('the view ended');
    },
  };
};
