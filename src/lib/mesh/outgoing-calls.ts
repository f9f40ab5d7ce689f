import type { Cbor } from '../kernel/codec.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Link } from '../kernel/ports/links.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { encodeRpc, type RpcFrame } from './rpc-frames.ts';

type Waiting = { readonly items: Cbor[]; result: Result<unknown, Failure> | null; granted: number; wake: () => void };

const grantEvery = limits.streamCreditItems / 2;

/** Our calls on one link. Items wait in a bounded queue: whoever sends more than was granted loses the call. */
export const createOutgoingCalls = (link: Link) => {
  const waitingById = new Map<number, Waiting>();
  let nextId = 1;
  const finish = (id: number, result: Result<unknown, Failure>): void => {
    const waiting = waitingById.get(id);
    if (!waiting) return;
    waitingById.delete(id);
    waiting.result = result;
    waiting.wake();
  };

  const call = async function* (
    {
      tokens,
      ...request
    }: { cap: string; input: Cbor; params: Readonly<Record<string, string>>; tokens: readonly Bytes[] },
    signal: AbortSignal,
  ): AsyncGenerator<unknown, Result<unknown, Failure>> {
    const id = nextId++;
    const waiting: Waiting = { items: [], result: null, granted: limits.streamCreditItems, wake: () => {} };
    waitingById.set(id, waiting);
    const onAbort = (): void => {
      if (waitingById.delete(id)) link.send('rpc', encodeRpc({ t: 'cancel', id }));
      waiting.result = err(failure('cancelled', 'by-caller'));
      waiting.wake();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    let taken = 0;
    try {
      const frame = encodeRpc({ t: 'call', id, ...request, ...(tokens.length > 0 ? { tokens } : {}) });
      if (frame.length > limits.frameBytesMax) return err(failure('too_large', 'input'));
      if (!link.send('rpc', frame)) return err(failure('peer_offline', 'not-sent'));
      for (;;) {
        const item = waiting.items.shift();
        if (item !== undefined) {
          yield item;
          taken += 1;
          if (taken % grantEvery === 0) {
            waiting.granted += grantEvery;
            link.send('rpc', encodeRpc({ t: 'credit', id, n: grantEvery }));
          }
          continue;
        }
        if (waiting.result) return waiting.result;
        await new Promise<void>((resolve) => {
          waiting.wake = resolve;
        });
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (waitingById.delete(id)) link.send('rpc', encodeRpc({ t: 'cancel', id }));
    }
  };

  return {
    call,
    /** A frame that answers one of our calls; false when no call has that id. */
    take: (frame: Extract<RpcFrame, { t: 'item' | 'done' | 'error' }>): boolean => {
      const waiting = waitingById.get(frame.id);
      if (!waiting) return false;
      if (frame.t === 'done') finish(frame.id, ok(frame.value));
      else if (frame.t === 'error') finish(frame.id, err(frame.failure));
      else if (waiting.granted <= 0) {
        link.send('rpc', encodeRpc({ t: 'cancel', id: frame.id }));
        finish(frame.id, err(failure('bad_request', 'credit-overrun')));
      } else {
        waiting.granted -= 1;
        waiting.items.push(frame.value);
        waiting.wake();
      }
      return true;
    },
    /** The link is gone: what was sent may or may not have happened there. */
    lost: (): void => {
      for (const id of [...waitingById.keys()]) finish(id, err(failure('peer_offline', 'link-lost')));
    },
    size: () => waitingById.size,
  };
};
export type OutgoingCalls = ReturnType<typeof createOutgoingCalls>;
