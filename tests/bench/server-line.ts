import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { unwrap } from '../../src/lib/kernel/result.ts';
import {
  encodeMeshRequest,
  joinMessage,
  parseMeshAnswer,
  type Bytes,
  type MeshAnswer,
  type MeshRequest,
} from '../../src/lib/kernel/wire/mesh-wire.ts';
import { makeKey, type TestKey } from '../unit/mesh-fixture.ts';

/**
 * A WebSocket line that costs its owner next to nothing, so that what is measured is the server: a bare TCP socket, frames written as
 * ready bytes (the mask is zero, which the server undoes as any other), and frames read by their heads. It answers pings.
 */
export type ServerLine = {
  readonly socket: net.Socket;
  /** Each message of the server, in place: the bytes are only good during the call. */
  hear: (message: Buffer) => void;
  write(framed: Buffer): void;
  readonly closed: Promise<void>;
  isOpen(): boolean;
};

export type Address = { readonly host: string; readonly port: number; readonly from?: string };

export const openLine = (path: string, { host, port, from }: Address): Promise<ServerLine> =>
  new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, noDelay: true, ...(from !== undefined && { localAddress: from }) });
    const closed = new Promise<void>((end) => socket.once('close', () => end()));
    let rest: Buffer = Buffer.alloc(0);
    let isUpgraded = false;
    const line: ServerLine = {
      socket,
      hear: () => {},
      write: (framed) => void (socket.writable && socket.write(framed)),
      closed,
      isOpen: () => !socket.destroyed,
    };
    socket.on('connect', () => {
      const key = randomBytes(16).toString('base64');
      const head = ['GET', path, 'HTTP/1.1'].join(' ');
      const lines = [`Host: ${host}:${port}`, 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
      socket.write([head, ...lines, `Sec-WebSocket-Key: ${key}`, '', ''].join('\r\n'));
    });
    socket.on('data', (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (!isUpgraded) {
        const end = rest.indexOf('\r\n\r\n');
        if (end === -1) return;
        if (!rest.toString('latin1', 0, 12).endsWith('101')) return void socket.destroy(new Error('not upgraded'));
        rest = rest.subarray(end + 4);
        isUpgraded = true;
        // The first message may stand in the same bytes; who dialled gets to listen first.
        resolve(line);
        return queueMicrotask(() => {
          rest = readFrames(line, rest);
        });
      }
      rest = readFrames(line, rest);
    });
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('closed before it was open')));
  });

/** What is left is the beginning of a frame. */
const readFrames = (line: ServerLine, bytes: Buffer): Buffer => {
  let at = 0;
  while (bytes.length - at >= 2) {
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length - at < head) break;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    if (bytes.length - at < head + length) break;
    const opcode = (bytes[at] ?? 0) & 0x0f;
    const payload = bytes.subarray(at + head, at + head + length);
    if (opcode === 1 || opcode === 2) line.hear(payload);
    else if (opcode === 9) line.write(frame(payload, 10));
    else if (opcode === 8) line.socket.destroy();
    at += head + length;
  }
  return bytes.subarray(at);
};

/** A client's frame as it goes over the wire. */
export const frame = (payload: Uint8Array, opcode = 2): Buffer => {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14);
  head[0] = 0x80 | opcode;
  if (length < 126) head[1] = 0x80 | length;
  else if (length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
};

export const request = (what: MeshRequest): Buffer => frame(encodeMeshRequest(what));

/** Somebody who has proven a key on `/mesh`. */
export type Guest = { readonly line: ServerLine; readonly id: Bytes };

export const joinLine = async (address: Address, key: TestKey = makeKey()): Promise<Guest> => {
  const line = await openLine('/mesh', address);
  const { nonce } = await nextAnswer(line, 'challenge');
  const joined = nextAnswer(line, 'joined');
  const signature = key.sign(joinMessage(nonce, `${address.host}:${address.port}`));
  line.write(request({ type: 'join', key: key.id, signature }));
  return { line, id: (await joined).id };
};

export const meet = async ({ line }: Guest, tag: Bytes) => {
  const met = nextAnswer(line, 'met');
  line.write(request({ type: 'meet', tag }));
  return met;
};

/** The next answer of that type; a line that closes meanwhile, or another answer, is an error. */
export const nextAnswer = <T extends MeshAnswer['type']>(
  line: ServerLine,
  type: T,
): Promise<Extract<MeshAnswer, { type: T }>> =>
  new Promise((resolve, reject) => {
    void line.closed.then(() => reject(new Error(`closed instead of ${type}`)));
    line.hear = (message) => {
      const answer = unwrap(parseMeshAnswer(Uint8Array.from(message)));
      if (isOfType(answer, type)) resolve(answer);
      else reject(new Error(`${answer.type} instead of ${type}`));
    };
  });

const isOfType = <T extends MeshAnswer['type']>(
  answer: MeshAnswer,
  type: T,
): answer is Extract<MeshAnswer, { type: T }> => answer.type === type;

/** Runs all, so many at a time. */
export const pooled = async (count: number, atOnce: number, run: (index: number) => Promise<void>): Promise<void> => {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await run(index);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, work));
};
