import type { Bus } from '../kernel/bus/bus.ts';
import { failureOfAbort, type AnyCapability } from '../kernel/bus/call.ts';
import { isCallName } from '../kernel/bus/call-name.ts';
import { capabilityId } from '../kernel/bus/capability.ts';
import { failure, type Failure } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import { createStops, type Startable, type Stop } from '../kernel/lifecycle.ts';
import type { CallInputs } from '../kernel/ports/call-inputs.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { Bytes } from '../kernel/ports/crypto.ts';
import type { Link, Links } from '../kernel/ports/links.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { RemoteCaller, RemoteRequest } from '../kernel/bus/routed-call.ts';
import { encodeValue } from './encoded-values.ts';
import { createOutgoingCalls, type OutgoingCalls, type OutgoingRequest } from './outgoing-calls.ts';
import { createRpcBudget } from './rpc-budget.ts';
import { callIdOf, encodeRpc, parseRpc, type RpcFrame } from './rpc-frames.ts';
import { createRpcOutbox, type RpcOutbox } from './rpc-outbox.ts';
import { createServedCalls, type ServedCalls } from './served-calls.ts';

export type RpcDeps = {
  readonly clock: Clock;
  readonly links: Links;
  /** Makes a link for a call to a device without one, or says in bounded time that there is none. */
  readonly linkTo?: (device: string) => Promise<Link | null>;
  readonly contractsByName: ReadonlyMap<string, AnyCapability>;
  readonly serve: Bus['serve'];
  readonly onPresence: (presence: Bytes, link: Link) => void;
  readonly onRefused: (reason: string) => void;
  /** Inputs too long for a frame; without them such calls are refused. */
  readonly inputs?: CallInputs | undefined;
};

type Session = {
  readonly link: Link;
  readonly outbox: RpcOutbox;
  /** Counts a frame; false when there were too many. */
  readonly isWithin: () => boolean;
  readonly outgoing: OutgoingCalls;
  readonly served: ServedCalls;
  stop: Stop;
};

/** Calls over links, both ways: our calls to neighbours (RemoteCaller) and theirs to our bus, with the proven device as caller. */
export const createRpc = (
  deps: RpcDeps,
): Startable &
  RemoteCaller & { broadcast(presence: Bytes, isFor: (device: string) => boolean): void; inFlight(): number } => {
  const { clock, links, inputs, onRefused } = deps;
  const sessionsByLink = new Map<string, Session>();
  const stops = createStops();

  const attach = (link: Link): void => {
    if (sessionsByLink.has(link.id)) return;
    const outbox = createRpcOutbox(clock, link);
    const session: Session = {
      link,
      outbox,
      isWithin: createRpcBudget(clock),
      outgoing: createOutgoingCalls(outbox),
      served: createServedCalls({ ...deps, inputs, link, outbox }),
      stop: () => {},
    };
    sessionsByLink.set(link.id, session);
    session.stop = link.onFrame('rpc', (bytes) => hear(session, bytes));
  };

  const hear = (session: Session, bytes: Uint8Array): void => {
    const { isWithin, link, served } = session;
    const frame = parseRpc(bytes);
    if (frame.ok && take(session, frame.value)) return;
    // Only what no running call has room for costs: calls themselves, and whatever nobody waits for.
    if (!isWithin()) {
      onRefused('rpc-flood');
      return link.close('rpc-flood');
    }
    if (frame.ok) return;
    onRefused(frame.error);
    const id = callIdOf(bytes);
    if (id !== null) served.malformed(id);
  };

  /** True for what a running call was waiting for. */
  const take = ({ link, outgoing, served }: Session, frame: RpcFrame): boolean => {
    switch (frame.t) {
      case 'call':
        served.call(frame);
        return false;
      case 'presence':
        deps.onPresence(frame.presence, link);
        return false;
      default: {
        const stray = isForOutgoing(frame) ? outgoing.take(frame) : served.take(frame);
        if (stray !== null) onRefused(stray);
        return stray === null;
      }
    }
  };

  const stream: RemoteCaller['stream'] = async function* (
    device,
    request,
    signal,
  ): AsyncGenerator<unknown, Result<unknown, Failure>> {
    const link = links.of(device) ?? (await deps.linkTo?.(device)) ?? null;
    const session = link ? sessionsByLink.get(link.id) : undefined;
    if (!session) return err(failure('peer_offline', 'not-sent'));
    const startedAt = clock.now();
    const prepared = await prepare(device, request, inputs);
    if (!prepared.ok) return prepared;
    const { input, release } = prepared.value;
    try {
      if (signal.aborted) return err(failureOfAbort(signal));
      const deadlineMs = restOf(request.deadlineMs, clock.now() - startedAt);
      if (deadlineMs === null) return err(failure('timeout', 'deadline'));
      return yield* session.outgoing.call({ ...toFrame(request), input, deadlineMs }, request.items, signal);
    } finally {
      release();
    }
  };

  const detach = (link: Link): void => {
    const session = sessionsByLink.get(link.id);
    if (!session) return;
    sessionsByLink.delete(link.id);
    session.stop();
    session.served.lost();
    session.outgoing.lost();
    session.outbox.close();
  };

  return {
    stream,
    start: () => {
      stops.run(); // a second start begins nothing twice
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
      [...sessionsByLink.values()].reduce((total, { served, outgoing }) => total + served.size() + outgoing.size(), 0),
  };
};

type ForOutgoing = Parameters<OutgoingCalls['take']>[0];
const isForOutgoing = (frame: Exclude<RpcFrame, { t: 'call' | 'presence' }>): frame is ForOutgoing =>
  frame.t === 'done' ||
  frame.t === 'error' ||
  (frame.t === 'item' && frame.up !== true) ||
  (frame.t === 'credit' && frame.up === true);

type Prepared = { readonly input: OutgoingRequest['input']; readonly release: () => void };

/** The input as it travels: in the call's frame, or lent to that device for as long as the call runs. */
const prepare = async (
  device: string,
  { input, trace, clientId, session }: RemoteRequest,
  inputs: CallInputs | undefined,
): Promise<Result<Prepared, Failure>> => {
  if (!isCallName(trace) || !isCallName(clientId) || (session !== undefined && !isCallName(session)))
    return err(failure('bad_request', 'call-name'));
  const encoded = encodeValue(input, 'input-not-encodable');
  if (!encoded.ok) return encoded;
  if (encoded.value.length <= limits.inlineInputBytesMax) return ok({ input: encoded.value, release: () => {} });
  return (await inputs?.lend(device, encoded.value)) ?? err(failure('too_large', 'input'));
};

/** null when nothing is left. */
const restOf = (deadlineMs: number, goneMs: number): number | null => {
  if (deadlineMs === 0) return 0;
  const rest = Math.min(Math.floor(deadlineMs - goneMs), limits.callDeadlineMsMax);
  return rest > 0 ? rest : null;
};

const toFrame = ({
  capability,
  params,
  tokens,
  trace,
  clientId,
  session,
}: RemoteRequest): Omit<OutgoingRequest, 'input' | 'deadlineMs'> => ({
  cap: capabilityId(capability),
  params,
  trace,
  clientId,
  ...(tokens.length > 0 ? { tokens } : {}),
  ...(session === undefined ? {} : { session }),
});
