import { initiateHello, respondHello, type HelloDeps, type HelloDone, type HelloRefusal } from '../crypto/hello.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Carrier, Channel } from '../kernel/ports/transport.ts';
import { err, type Result } from '../kernel/result.ts';

/** What the carrier delivers once Hello is through. */
export type Receiver = {
  receive(channel: Channel, message: Uint8Array): void;
  drain(channel: Channel): void;
  lost(reason: string): void;
};

export type HandshakeRefusal = HelloRefusal | 'hello-timeout' | 'hello-lost';

const earlyMessagesMax = 64;

/**
 * Runs Hello over a fresh carrier (its `sync` channel). Until it is through the peer is invisible: at most one expected
 * message is read, a few early ones are kept for the link, everything else is dropped. `takeOver` hands the carrier on.
 */
export const shakeHands = async (
  carrier: Carrier,
  clock: Clock,
  deps: HelloDeps,
): Promise<Result<HelloDone & { takeOver(receiver: Receiver): void }, HandshakeRefusal>> => {
  const early: { channel: Channel; message: Uint8Array }[] = [];
  let receiver: Receiver | null = null;
  let expecting: ((message: Uint8Array | null) => void) | null = null;
  let lostReason: string | null = null;
  let isPast = false;

  carrier.listen({
    message: (channel, message) => {
      if (receiver) return receiver.receive(channel, message);
      if (expecting && channel === 'sync') {
        const take = expecting;
        expecting = null;
        return take(message);
      }
      if (early.length < earlyMessagesMax) early.push({ channel, message });
    },
    drain: (channel) => receiver?.drain(channel),
    closed: (reason) => {
      lostReason = reason;
      expecting?.(null);
      receiver?.lost(reason);
    },
  });

  /** The next message of the `sync` channel; null when the carrier is lost or the time is up. */
  const next = (): Promise<Uint8Array | null> => {
    const index = early.findIndex(({ channel }) => channel === 'sync');
    const kept = index >= 0 ? early.splice(index, 1)[0] : undefined;
    if (kept) return Promise.resolve(kept.message);
    if (lostReason !== null || isPast) return Promise.resolve(null);
    return new Promise((resolve) => {
      expecting = resolve;
    });
  };
  const cancelTimer = clock.after(limits.helloTimeoutMs, () => {
    isPast = true;
    expecting?.(null);
    expecting = null;
  });
  const missing = () => err(isPast ? ('hello-timeout' as const) : ('hello-lost' as const));

  const run = async (): Promise<Result<HelloDone, HandshakeRefusal>> => {
    if (carrier.isOfferer) {
      const hello = await initiateHello(deps);
      carrier.send('sync', hello.first);
      const second = await next();
      if (!second) return missing();
      const finished = await hello.finish(second);
      if (!finished.ok) return finished;
      carrier.send('sync', finished.value.third);
      return { ok: true, value: finished.value.done };
    }
    const first = await next();
    if (!first) return missing();
    const hello = await respondHello(deps, first);
    if (!hello.ok) return hello;
    carrier.send('sync', hello.value.second);
    const third = await next();
    return third ? hello.value.finish(third) : missing();
  };

  const done = await run();
  cancelTimer();
  if (!done.ok) {
    carrier.close();
    return done;
  }
  const takeOver = (next: Receiver): void => {
    receiver = next;
    for (const { channel, message } of early.splice(0)) next.receive(channel, message);
    if (lostReason !== null) next.lost(lostReason);
  };
  return { ok: true, value: { ...done.value, takeOver } };
};
