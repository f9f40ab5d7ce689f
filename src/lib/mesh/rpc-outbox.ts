import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Link } from '../kernel/ports/links.ts';

export type RpcOutbox = {
  /**
   * Hands a frame to the link when its turn comes and the link has room; resolves false when it never was handed over: the link is
   * gone, or the signal said first that it is of no use. `isOnce`: a link that does not take it then is not asked again.
   */
  send(frame: Bytes, wish?: { readonly signal?: AbortSignal; readonly isOnce?: boolean }): Promise<boolean>;
  /** Cancels and credits: before everything that waits. */
  urge(frame: Bytes): void;
  /** An answer that nobody here depends on: now or never. */
  offer(frame: Bytes): boolean;
  close(): void;
};

type Waiting = { readonly frame: Bytes; readonly isOnce: boolean; readonly settle: (isSent: boolean) => void };

/**
 * One link's calls share its `rpc` channel: frames of more than a chunk go one after the other and only when the link has drained,
 * because a link that is too full for the rest of a frame ends. What waits is bounded by the calls in flight.
 */
export const createRpcOutbox = (clock: Clock, link: Link): RpcOutbox => {
  const urgent: Waiting[] = [];
  const ordinary: Waiting[] = [];
  let isPumping = false;
  let isClosed = false;
  let endPause = (): void => {};

  const leave = (waiting: Waiting, isSent: boolean): void => {
    for (const queue of [urgent, ordinary]) {
      const at = queue.indexOf(waiting);
      if (at >= 0) queue.splice(at, 1);
    }
    waiting.settle(isSent);
  };

  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(limits.rpcSendAgainMs, resolve);
      endPause = () => {
        cancel();
        resolve();
      };
    });

  const pump = async (): Promise<void> => {
    if (isPumping) return;
    isPumping = true;
    while (urgent.length + ordinary.length > 0) {
      await link.drained('rpc');
      // What was first before may have been withdrawn, or something urgent has come.
      const next = urgent[0] ?? ordinary[0];
      if (!next) break;
      if (isClosed || !link.isOpen) leave(next, false);
      else if (link.send('rpc', next.frame)) leave(next, true);
      else if (next.isOnce) leave(next, false);
      else await pause();
    }
    isPumping = false;
  };

  const enqueue = (queue: Waiting[], frame: Bytes, isOnce: boolean, settle: (isSent: boolean) => void): Waiting => {
    const waiting = { frame, isOnce, settle };
    queue.push(waiting);
    void pump();
    return waiting;
  };

  return {
    send: (frame, { signal, isOnce = false } = {}) => {
      const isFree = ordinary.length === 0 && frame.length <= limits.chunkBytes;
      if (isClosed || signal?.aborted) return Promise.resolve(false);
      if (isFree && link.send('rpc', frame)) return Promise.resolve(true);
      return new Promise((resolve) => {
        const onAbort = (): void => leave(waiting, false);
        const waiting = enqueue(ordinary, frame, isOnce, (isSent) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(isSent);
        });
        signal?.addEventListener('abort', onAbort);
      });
    },
    urge: (frame) => {
      if (!isClosed && !link.send('rpc', frame)) enqueue(urgent, frame, false, () => {});
    },
    offer: (frame) => !isClosed && ordinary.length === 0 && link.send('rpc', frame),
    close: () => {
      isClosed = true;
      endPause();
      for (const waiting of [...urgent, ...ordinary]) leave(waiting, false);
    },
  };
};
