import { initiateHello, respondHello, type HelloDeps, type HelloDone, type HelloRefusal } from '../crypto/hello.ts';
import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes, CryptoPort } from '../kernel/ports/crypto.ts';
import type { Carrier, Channel } from '../kernel/ports/transport.ts';
import { err, type Result } from '../kernel/result.ts';
import type { Receiver, SealedCarrier } from './sealed-carrier.ts';

export type HandshakeRefusal = HelloRefusal | 'hello-timeout' | 'hello-lost' | 'seal-not-loaded';

const earlyMessagesMax = 64;

/** `carrier` is the one to send on from now on: over a server it seals. */
export type Shaken = HelloDone & { readonly carrier: Carrier; takeOver(receiver: Receiver): void };

/**
 * Runs Hello over a fresh carrier (its `sync` channel). Until it is through the peer is invisible: at most one expected
 * message is read, a few early ones are kept for the link, everything else is dropped. `takeOver` hands the carrier on.
 */
export const shakeHands = async (
  carrier: Carrier,
  clock: Clock,
  deps: HelloDeps,
): Promise<Result<Shaken, HandshakeRefusal>> => {
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
  // A direct pipe is sealed by DTLS up to the other end; what stands in the middle of a relayed one must see nothing.
  const isRelayed = carrier.kind === 'relay';
  const sealed = isRelayed ? await sealRelayed(carrier, deps.crypto, done.value.secret) : null;
  if (isRelayed && sealed === null) {
    carrier.close();
    return err('seal-not-loaded');
  }
  const takeOver = (next: Receiver): void => {
    receiver = sealed?.receiver(next) ?? next;
    for (const { channel, message } of early.splice(0)) receiver.receive(channel, message);
    if (lostReason !== null) receiver.lost(lostReason);
  };
  return { ok: true, value: { ...done.value, carrier: sealed?.carrier ?? carrier, takeOver } };
};

/** In a file of its own: most devices never need it. null when it could not be loaded; the pipe cannot be used then. */
const sealRelayed = async (carrier: Carrier, crypto: CryptoPort, secret: Bytes): Promise<SealedCarrier | null> => {
  try {
    const { sealCarrier } = await import('./sealed-carrier.ts');
    return await sealCarrier(carrier, crypto, secret);
  } catch (error) {
    // What every browser rejects an import() with whose file it cannot get.
    if (error instanceof TypeError) return null;
    throw error;
  }
};
