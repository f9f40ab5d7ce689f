import {
  encodeMeshAnswer,
  meshFailure,
  parseMeshRequest,
  type Bytes,
  type MeshAnswer,
  type MeshFailure,
  type MeshRequest,
} from '../../src/lib/kernel/wire/mesh-wire.ts';
import { err, limits, type Result } from '../../src/lib/kernel/wire/signal.ts';
import type { Clock } from '../clock.ts';
import type { SendOutcome } from '../exchange.ts';
import type { Metrics } from '../metrics.ts';
import type { FrameSocket, SocketConnection } from '../socket-entrance.ts';
import type { MailDesk } from './mail-desk.ts';
import { createMeshBudget } from './mesh-budget.ts';
import type { MeshMetrics } from './mesh-metrics.ts';
import type { MeetingDesk } from './meeting-desk.ts';
import { createMeshOutlet } from './mesh-outlet.ts';

/**
 * One connection on `/mesh`: challenge, budgets, parsing, and who answers what. Musts:
 * - Before its key is proven nothing of it has any effect, and it has ten seconds.
 * - Over its rate it is read more slowly and loses nothing; a refusal is answered, and who uses up that budget is closed with 1008.
 * - Nothing waits here without a bound: who does not read gets no more work done, then is cut.
 */
export type MeshConnection = SocketConnection;

/** A connection as those see it who act on it from outside. */
export type MeshPeer = {
  /** Somebody proved the same key on a newer connection. */
  replace(): void;
  /** Hands others' words to its socket; false when it is behind. */
  passOn(frame: Uint8Array): boolean;
};

export type MeshConnectionDeps = {
  readonly socket: FrameSocket;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly meshMetrics: MeshMetrics;
  readonly nonce: Bytes;
  /** Checks the proof; what the newly joined is told, or why not. */
  prove(join: Extract<MeshRequest, { type: 'join' }>, peer: MeshPeer): Result<Joined, MeshFailure>;
  readonly mailDesk: MailDesk;
};

export type Joined = {
  readonly answer: Extract<MeshAnswer, { type: 'joined' }>;
  readonly desk: MeetingDesk;
};

const closePolicyViolated = 1008;
const closeReplaced = 4001;
const closeInternal = 1011;

export const createMeshConnection = (deps: MeshConnectionDeps): MeshConnection => {
  const { socket, clock, metrics, meshMetrics } = deps;
  const budget = createMeshBudget(clock);
  const outlet = createMeshOutlet(socket, meshMetrics, () => end('slow', null));
  let joined: Joined | null = null;
  let isAlive = true;
  let isClosed = false;
  let cancelResume: (() => void) | null = null;
  let lastTake: Promise<unknown> = Promise.resolve();

  const leave = (): void => {
    isClosed = true;
    cancelLate();
    cancelResume?.();
    joined?.desk.leave();
    joined = null;
  };

  /** Without a close code the socket is cut. */
  const end = (reason: Parameters<Metrics['closed']>[0], close: { code: number; reason: string } | null): void => {
    if (isClosed) return;
    metrics.closed(reason);
    leave();
    if (close === null) socket.terminate();
    else socket.close(close.code, close.reason);
  };

  const answer = (said: MeshAnswer): void => {
    if (!isClosed) outlet.answer(encodeMeshAnswer(said));
  };

  const refuse = (failure: MeshFailure, request = 0): void => {
    if (isClosed) return;
    meshMetrics.refused(failure.reason);
    answer({ type: 'refused', request, retryAfterMs: 0, ...failure });
    if (excused.has(failure.code) || budget.takeRefusal()) return;
    end('abuse', { code: closePolicyViolated, reason: 'too many refused frames' });
  };

  /** Charged before it is looked at; in debt nothing more is read until it is paid, so what the client sends waits on its side. */
  const charge = (sizeBytes: number): void => {
    isAlive = true;
    meshMetrics.counts.framesIn += 1;
    meshMetrics.counts.bytesIn += sizeBytes;
    const waitMs = budget.chargeFrame(sizeBytes);
    if (waitMs === 0) return;
    meshMetrics.counts.held += cancelResume === null ? 1 : 0;
    cancelResume?.();
    socket.pause();
    cancelResume = clock.after(waitMs, () => {
      cancelResume = null;
      socket.resume();
    });
  };

  const join = (request: Extract<MeshRequest, { type: 'join' }>): void => {
    const proven = deps.prove(request, peer);
    if (!proven.ok) {
      refuse(proven.error);
      return end('abuse', { code: closePolicyViolated, reason: proven.error.reason });
    }
    cancelLate();
    joined = proven.value;
    meshMetrics.counts.joined += 1;
    answer(joined.answer);
  };

  const settle = (request: number, pending: Promise<Result<MeshAnswer, MeshFailure>>): void => {
    pending.then(
      (result) => (result.ok ? answer(result.value) : refuse(result.error, request)),
      (error: unknown) => {
        meshMetrics.refused('server-fault');
        console.error(`Mail met a fault of the server (${error instanceof Error ? error.name : 'unknown'}).`);
        end('fault', { code: closeInternal, reason: 'fault of the server' });
      },
    );
  };

  /** One page after the other, and none while those before it are still unread: pages are large. */
  const take = (request: Extract<MeshRequest, { type: 'take' }>): void => {
    const page = lastTake.then(() => (outlet.isBehind() ? err(readsTooSlowly) : deps.mailDesk.take(request)));
    settle(request.request, page);
    lastTake = page.then(ignore, ignore);
  };

  const report = (request: Extract<MeshRequest, { type: 'send' }>, outcome: SendOutcome): void => {
    if (outcome === 'sent') meshMetrics.counts.passedOn += 1;
    else {
      meshMetrics.counts[outcome] += 1;
      answer({ type: outcome, to: request.to, tag: request.tag });
    }
  };

  const send = (desk: MeetingDesk, request: Extract<MeshRequest, { type: 'send' }>): void => {
    const outcome = desk.send(request);
    if (outcome === null) return refuse(meshFailure('tag-not-met'));
    if (typeof outcome === 'string') report(request, outcome);
    else void outcome.then((later) => report(request, later));
  };

  const handle = (request: MeshRequest): void => {
    if (request.type === 'join') return joined === null ? join(request) : refuse(meshFailure('joined-already'));
    if (joined === null) return refuse(meshFailure('not-joined'));
    if (request.type === 'send') return send(joined.desk, request);
    if (request.type === 'part') return joined.desk.part(request.tag);
    const numbered = 'request' in request ? request.request : 0;
    if (request.type === 'put') return settle(numbered, deps.mailDesk.put(request));
    if (outlet.isBehind()) return refuse(readsTooSlowly, numbered);
    const waitMs = budget.takeWork();
    if (waitMs !== null) return refuse(meshFailure('work-rate', waitMs), numbered);
    if (request.type === 'take') return take(request);
    if (request.type === 'meet') return settle(numbered, joined.desk.meet(request.tag));
    const refused = deps.mailDesk.open(request);
    if (refused !== null) refuse(refused);
  };

  const peer: MeshPeer = {
    replace: () => end('replaced', { code: closeReplaced, reason: 'joined again elsewhere' }),
    passOn: (frame) => outlet.passOn(frame),
  };
  const connection: MeshConnection = {
    receiveFrame: (data, isBinary) => {
      if (isClosed) return;
      charge(data.length);
      const request = isBinary ? parseMeshRequest(data) : err(meshFailure('text-frame'));
      if (request.ok) handle(request.value);
      else refuse(request.error);
    },
    receivePing: (data) => {
      if (isClosed) return;
      charge(data.length);
      if (!outlet.isBehind()) socket.pong(data);
    },
    receivePong: () => charge(0),
    checkAlive: () => {
      if (isClosed) return socket.terminate();
      // Held back by us: its pong would not be read.
      if (cancelResume !== null) return;
      if (!isAlive || outlet.isBehind()) return end(outlet.isBehind() ? 'slow' : 'silent', null);
      isAlive = false;
      socket.ping();
    },
    sayGoodbye: () => answer({ type: 'moving' }),
    leave,
  };
  const cancelLate = clock.after(limits.meshJoinMs, () => {
    meshMetrics.refused('join-late');
    end('silent', { code: closePolicyViolated, reason: 'join-late' });
  });
  answer({ type: 'challenge', nonce: deps.nonce });
  return connection;
};

const readsTooSlowly = meshFailure('reads-too-slowly', limits.signalProbeMs);
/** How a page ended is told by `settle`; the next one only waits for the end. */
const ignore = (): void => undefined;

/** Answers that an honest client meets too, and many at once: they cost their frame, not the budget of refusals. */
const excused: ReadonlySet<MeshFailure['code']> = new Set(['rate_limited', 'quota_full', 'unavailable']);
