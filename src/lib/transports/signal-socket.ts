import { limits } from '../kernel/limits.ts';
import { every, type Clock } from '../kernel/ports/clock.ts';
import {
  encodeSignalRequest,
  parseSignalAnswer,
  type SignalAnswer,
  type SignalRequest,
} from '../kernel/wire/signal.ts';

/** The part of a WebSocket that is used; the browser's, Node's and a fake one fit. */
export type SocketPort = {
  readonly bufferedAmount: number;
  send(text: string): void;
  close(): void;
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: object) => void): void;
};
export type SocketConstructor = new (url: string) => SocketPort;

export type SignalSocketDeps = {
  readonly clock: Clock;
  readonly Socket: SocketConstructor;
  readonly url: string;
  readonly opened: () => void;
  readonly answered: (answer: SignalAnswer) => void;
  readonly refused: (reason: string) => void;
  /** Once; never after `close`. */
  readonly lost: () => void;
};

export type SignalSocket = {
  /** False when it is not open or too much is queued; the frame is not sent then. */
  send(request: SignalRequest): boolean;
  /** Asks for a sign of life within `limits.signalProbeMs`; silence means lost. */
  probe(): void;
  close(): void;
};

/**
 * One connection to the signalling server. Lost when it does not open within `connectTimeoutMs`, closes, or leaves
 * `signalMissedPongsMax` pings unanswered (a sleeping laptop and a dead router leave sockets that look open).
 */
export const openSignalSocket = (deps: SignalSocketDeps): SignalSocket => {
  const { clock } = deps;
  let state: 'connecting' | 'open' | 'over' = 'connecting';
  let unansweredPings = 0;
  let cancelProbe = (): void => {};
  const socket = makeSocket(deps);

  const over = (): boolean => {
    if (state === 'over') return false;
    state = 'over';
    cancelOpening();
    cancelProbe();
    stopPings();
    return true;
  };
  const lose = (): void => {
    if (!over()) return;
    socket?.close();
    deps.lost();
  };
  const send = (request: SignalRequest): boolean => {
    if (state !== 'open' || socket === null || socket.bufferedAmount > limits.signalBufferedBytesMax) return false;
    socket.send(encodeSignalRequest(request));
    return true;
  };
  const ping = (): void => {
    if (state !== 'open') return;
    if (unansweredPings >= limits.signalMissedPongsMax) return lose();
    unansweredPings += 1;
    send({ type: 'ping' });
  };

  // An address that is none is told like a server that is not there: later, and once.
  const cancelOpening = clock.after(socket === null ? 0 : limits.connectTimeoutMs, lose);
  const stopPings = every(clock, () => limits.signalPingMs, ping);
  socket?.addEventListener('open', () => {
    if (state === 'over') return socket.close();
    state = 'open';
    cancelOpening();
    deps.opened();
  });
  socket?.addEventListener('message', (event) => {
    if (state !== 'open') return;
    unansweredPings = 0;
    cancelProbe();
    receive(deps, event);
  });
  socket?.addEventListener('error', lose);
  socket?.addEventListener('close', lose);
  return {
    send,
    probe: () => {
      if (!send({ type: 'ping' })) return;
      cancelProbe();
      cancelProbe = clock.after(limits.signalProbeMs, lose);
    },
    close: () => {
      // Closing a socket that is still connecting is an error on the console of a browser: it is closed when it opens.
      const isConnecting = state === 'connecting';
      if (over() && !isConnecting) socket?.close();
    },
  };
};

/** null when the address is not one a socket can be made for (a person may type it). */
const makeSocket = ({ Socket, url, refused }: SignalSocketDeps): SocketPort | null => {
  try {
    return new Socket(url);
  } catch (error) {
    refused(`address: ${error instanceof Error ? error.name : 'unknown'}`);
    return null;
  }
};

const receive = (deps: SignalSocketDeps, event: object): void => {
  const text = 'data' in event ? event.data : undefined;
  if (typeof text !== 'string') return deps.refused('binary-frame');
  const answer = parseSignalAnswer(text);
  if (!answer.ok) return deps.refused(answer.error.reason);
  if (answer.value.type === 'refused') deps.refused(`server: ${answer.value.code}`);
  deps.answered(answer.value);
};
