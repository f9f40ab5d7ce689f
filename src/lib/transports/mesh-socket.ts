import { limits } from '../kernel/limits.ts';
import type { Clock } from '../kernel/ports/clock.ts';
import type { SigningKey } from '../kernel/ports/crypto.ts';
import {
  encodeMeshRequest,
  joinMessage,
  openMessage,
  parseMeshAnswer,
  type MeshAnswer,
  type MeshRequest,
} from '../kernel/wire/mesh-wire.ts';

/** The part of a WebSocket that is used; the browser's, Node's and a fake one fit. */
export type SocketPort = {
  binaryType: string;
  readonly bufferedAmount: number;
  send(frame: Uint8Array<ArrayBuffer>): void;
  close(): void;
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: object) => void): void;
};
export type SocketConstructor = new (url: string) => SocketPort;

export type Joined = Extract<MeshAnswer, { type: 'joined' }>;
/** What comes after the door. */
export type MeshNews = Exclude<MeshAnswer, { type: 'challenge' | 'joined' }>;

export type MeshSocketDeps = {
  readonly clock: Clock;
  readonly Socket: SocketConstructor;
  readonly url: string;
  /** The key this device is known by at servers, for now. */
  readonly pseudonym: () => Promise<SigningKey>;
  readonly joined: (answer: Joined) => void;
  readonly answered: (answer: MeshNews) => void;
  readonly refused: (reason: string) => void;
  /** Once; never after `close`. */
  readonly lost: () => void;
};

export type MeshSocket = {
  /** False when this device has not joined or too much is queued; the frame is not sent then. */
  send(request: MeshRequest): boolean;
  /** What a box's key has to sign on this connection; null before the server has asked. */
  boxChallenge(box: Uint8Array): Uint8Array<ArrayBuffer> | null;
  /** Something was asked that has an answer: silence for so long means lost. */
  expectAnswer(withinMs: number): void;
  close(): void;
};

/**
 * One connection to a server's `/mesh`. Lost when this device has not joined within `connectTimeoutMs`, when it closes, or when an
 * answer that is expected stays out (a sleeping laptop and a dead router leave sockets that look open).
 */
export const openMeshSocket = (deps: MeshSocketDeps): MeshSocket => {
  const { clock } = deps;
  let state: 'connecting' | 'joining' | 'joined' | 'over' = 'connecting';
  let nonce: Uint8Array<ArrayBuffer> | null = null;
  let expected: { readonly dueAt: number; cancel(): void } | null = null;
  const host = hostOf(deps.url);
  const socket = makeSocket(deps);

  const heard = (): void => {
    expected?.cancel();
    expected = null;
  };
  const over = (): boolean => {
    if (state === 'over') return false;
    state = 'over';
    cancelOpening();
    heard();
    return true;
  };
  const lose = (): void => {
    if (!over()) return;
    socket?.close();
    deps.lost();
  };
  const write = (request: MeshRequest): boolean => {
    if (socket === null || socket.bufferedAmount > limits.signalBufferedBytesMax) return false;
    socket.send(encodeMeshRequest(request));
    return true;
  };
  const join = async (): Promise<void> => {
    if (nonce === null) return;
    const key = await deps.pseudonym();
    const signature = await key.sign(joinMessage(nonce, host));
    if (state === 'joining') write({ type: 'join', key: key.publicKey, signature });
  };
  const receive = (answer: MeshAnswer): void => {
    if (answer.type === 'challenge') {
      if (state !== 'connecting') return deps.refused('challenge-again');
      nonce = answer.nonce;
      state = 'joining';
      join().catch(() => {
        deps.refused('pseudonym-unusable');
        lose();
      });
    } else if (answer.type === 'joined') {
      if (state !== 'joining') return deps.refused('joined-unasked');
      state = 'joined';
      cancelOpening();
      deps.joined(answer);
    } else if (answer.type === 'refused' || state === 'joined') deps.answered(answer);
    else deps.refused('answer-before-joined');
  };

  // An address that is none is told like a server that is not there: later, and once.
  const cancelOpening = clock.after(socket === null ? 0 : limits.connectTimeoutMs, lose);
  socket?.addEventListener('open', () => {
    if (state === 'over') socket.close();
  });
  socket?.addEventListener('message', (event) => {
    if (state === 'over') return;
    heard();
    const data = 'data' in event ? event.data : undefined;
    if (!(data instanceof ArrayBuffer)) return deps.refused('text-frame');
    const answer = parseMeshAnswer(new Uint8Array(data));
    if (answer.ok) receive(answer.value);
    else deps.refused(answer.error.reason);
  });
  socket?.addEventListener('error', lose);
  socket?.addEventListener('close', lose);
  return {
    send: (request) => state === 'joined' && write(request),
    boxChallenge: (box) => (nonce === null ? null : openMessage(nonce, host, box)),
    expectAnswer: (withinMs) => {
      const dueAt = clock.now() + withinMs;
      if (state !== 'joined' || (expected !== null && expected.dueAt <= dueAt)) return;
      expected?.cancel();
      expected = { dueAt, cancel: clock.after(withinMs, lose) };
    },
    close: () => {
      // Closing a socket that is still connecting is an error on the console of a browser: it is closed when it opens.
      const isConnecting = state === 'connecting';
      if (over() && !isConnecting) socket?.close();
    },
  };
};

const hostOf = (url: string): string => {
  try {
    return new URL(url).host;
  } catch (error) {
    if (error instanceof TypeError) return '';
    throw error;
  }
};

/** null when the address is not one a socket can be made for (a person may type it). */
const makeSocket = ({ Socket, url, refused }: MeshSocketDeps): SocketPort | null => {
  try {
    const socket = new Socket(url);
    socket.binaryType = 'arraybuffer';
    return socket;
  } catch (error) {
    refused(`address: ${error instanceof Error ? error.name : 'unknown'}`);
    return null;
  }
};
