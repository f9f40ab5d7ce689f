import type { Bus } from '../kernel/bus.ts';
import type { AnyCapability } from '../kernel/call.ts';
import { capabilityId, isCompatible, parseCapabilityId } from '../kernel/capability.ts';
import type { Cbor } from '../kernel/codec.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { Startable } from '../kernel/lifecycle.ts';
import { createStops } from '../kernel/lifecycle.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Link, Links } from '../kernel/ports/links.ts';
import { err, type Result } from '../kernel/result.ts';
import type { RemoteCaller } from '../kernel/routed-call.ts';
import { createOutgoingCalls, type OutgoingCalls } from './outgoing-calls.ts';
import { encodeRpc, parseRpc, type RpcFrame } from './rpc-frames.ts';

export type RpcDeps = {
  readonly clock: Clock;
  readonly links: Links;
  readonly contractsByName: ReadonlyMap<string, AnyCapability>;
  readonly serve: Bus['serve'];
  readonly onPresence: (presence: Bytes, link: Link) => void;
  readonly onRefused: (reason: string) => void;
};

type Served = { readonly control: AbortController; credit: number; wake: () => void };
type Session = {
  readonly link: Link;
  readonly outgoing: OutgoingCalls;
  readonly served: Map<number, Served>;
  minute: { startedAt: number; calls: number };
};

/** Calls over links, both ways: our calls to neighbours (RemoteCaller) and theirs to our bus, with the proven device as caller. */
export const createRpc = (
  deps: RpcDeps,
): Startable &
  RemoteCaller & { broadcast(presence: Bytes, isFor: (device: string) => boolean): void; inFlight(): number } => {
  const { clock, links } = deps;
  const sessionsByLink = new Map<string, Session>();
  const stops = createStops();

  const attach = (link: Link): void => {
    const session: Session = {
      link,
      outgoing: createOutgoingCalls(link),
      served: new Map(),
      minute: { startedAt: clock.now(), calls: 0 },
    };
    sessionsByLink.set(link.id, session);
    link.onFrame('rpc', (bytes) => {
      const frame = parseRpc(bytes);
      if (frame.ok) onFrame(session, frame.value);
      else deps.onRefused(frame.error);
    });
  };

  const onFrame = (session: Session, frame: RpcFrame): void => {
    switch (frame.t) {
      case 'call':
        return void answer(session, frame);
      case 'cancel':
        return session.served.get(frame.id)?.control.abort(failure('cancelled', 'by-caller'));
      case 'credit': {
        const served = session.served.get(frame.id);
        if (!served) return;
        served.credit = Math.min(served.credit + frame.n, limits.streamQueueItemsMax);
        return served.wake();
      }
      case 'presence':
        return deps.onPresence(frame.presence, session.link);
      default:
        if (!session.outgoing.take(frame)) deps.onRefused('rpc-unknown-id');
    }
  };

  /** Bounds that hold for any caller, before anything is looked up; then the bus decides. */
  const refuseCall = (session: Session, { id, cap }: Extract<RpcFrame, { t: 'call' }>): Failure | AnyCapability => {
    if (session.served.has(id)) return failure('bad_request', 'duplicate-id');
    if (session.served.size >= limits.callsInFlightPerPeerMax) return failure('rate_limited', 'calls-in-flight', 1000);
    if (clock.now() - session.minute.startedAt >= 60_000) session.minute = { startedAt: clock.now(), calls: 0 };
    session.minute.calls += 1;
    if (session.minute.calls > limits.callsPerMinutePerPeerMax)
      return failure('rate_limited', 'calls-per-minute', 60_000);
    const asked = parseCapabilityId(cap);
    const capability = asked ? deps.contractsByName.get(asked.name) : undefined;
    if (!asked || !capability) return failure('not_found', 'capability-unknown');
    return isCompatible(capability.version, asked.version) ? capability : failure('not_found', 'version');
  };

  const answer = async (session: Session, frame: Extract<RpcFrame, { t: 'call' }>): Promise<void> => {
    const { link } = session;
    const capability = refuseCall(session, frame);
    if ('code' in capability)
      return void link.send('rpc', encodeRpc({ t: 'error', id: frame.id, failure: capability }));
    const served: Served = { control: new AbortController(), credit: limits.streamCreditItems, wake: () => {} };
    session.served.set(frame.id, served);
    const items = deps.serve({ kind: 'device', device: link.peer.device }, capability, frame.input, {
      params: frame.params,
      tokens: frame.tokens ?? [],
      signal: served.control.signal,
    });
    try {
      for (;;) {
        const step = await items.next();
        if (step.done) {
          const reply = step.value;
          sendReply(
            link,
            reply.ok
              ? { t: 'done', id: frame.id, value: reply.value.output as Cbor }
              : { t: 'error', id: frame.id, failure: reply.error },
          );
          return;
        }
        if (!(await hasCredit(served))) continue;
        sendReply(link, { t: 'item', id: frame.id, value: step.value as Cbor });
      }
    } finally {
      session.served.delete(frame.id);
      served.control.abort(failure('cancelled', 'call-ended'));
    }
  };

  /** Waits until the caller has room; false when the call was cancelled meanwhile (its generator then ends by itself). */
  const hasCredit = async (served: Served): Promise<boolean> => {
    while (served.credit === 0 && !served.control.signal.aborted) {
      await new Promise<void>((resolve) => {
        served.wake = resolve;
        served.control.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    if (served.control.signal.aborted) return false;
    served.credit -= 1;
    return true;
  };

  const sendReply = (link: Link, frame: RpcFrame): void => {
    const bytes = encodeOrFail(frame);
    if (!link.send('rpc', bytes)) deps.onRefused('rpc-not-sent');
  };

  const stream: RemoteCaller['stream'] = async function* (
    device,
    { capability, input, params, tokens },
    signal,
  ): AsyncGenerator<unknown, Result<unknown, Failure>> {
    const link = links.of(device);
    const session = link ? sessionsByLink.get(link.id) : undefined;
    if (!session) return err(failure('peer_offline', 'not-sent'));
    return yield* session.outgoing.call(
      { cap: capabilityId(capability), input: input as Cbor, params, tokens },
      signal,
    );
  };

  const detach = (link: Link): void => {
    const session = sessionsByLink.get(link.id);
    if (!session) return;
    sessionsByLink.delete(link.id);
    session.outgoing.lost();
    for (const served of session.served.values()) served.control.abort(failure('cancelled', 'link-lost'));
  };

  return {
    stream,
    start: () => {
      stops.add(links.onUp(attach));
      stops.add(links.onDown(detach));
      for (const link of links.all()) attach(link);
    },
    stop: () => {
      stops.run();
      for (const { link } of [...sessionsByLink.values()]) detach(link);
    },
    broadcast: (presence, isFor) => {
      const frame = encodeRpc({ t: 'presence', presence });
      for (const { link } of sessionsByLink.values()) if (isFor(link.peer.device)) link.send('rpc', frame);
    },
    inFlight: () =>
      [...sessionsByLink.values()].reduce((total, session) => total + session.served.size + session.outgoing.size(), 0),
  };
};

/** A handler that returned what cannot travel (a fraction, say) is a bug of ours and is told as one. */
const encodeOrFail = (frame: RpcFrame): Bytes => {
  try {
    const bytes = encodeRpc(frame);
    if (bytes.length <= limits.frameBytesMax || !('id' in frame)) return bytes;
    return encodeRpc({ t: 'error', id: frame.id, failure: failure('too_large', 'reply') });
  } catch (error) {
    if (!('id' in frame) || !(error instanceof Error)) throw error;
    return encodeRpc({ t: 'error', id: frame.id, failure: failure('internal', 'reply-not-encodable') });
  }
};
